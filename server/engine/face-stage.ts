import { leaveOut } from '../double/occlusion/leave-out.ts';
import type { Holes, Occlusion } from '../double/occlusion/occlusion.ts';
import type { LookParams, Replacer } from '../double/replacer.ts';
import { compositeFace } from '../face/composite.ts';
import { coverAll, coverFace } from '../face/cover.ts';
import type { Perceiver } from '../face/perceiver.ts';
import type { Track } from '../face/types.ts';
import type { Arena } from '../frame/arena.ts';
import type { Picture } from '../frame/frame.ts';
import type { Kernels } from '../frame/kernels.ts';
import { AGE_LIMIT } from '../wire/age.ts';
import type { Casting } from '../wire/casting.ts';
import type { UncastPolicy } from '../wire/messages.ts';
import type { Castings } from './casting/castings.ts';
import type { Head } from './casting/head.ts';
import { sightOf } from './casting/sight.ts';
import { drawnOver } from './drawn-over.ts';
import { NeckMatch, type NeckReading } from './neck-match.ts';
import { RestingFaces } from './resting-faces.ts';
import { coverUnsure, type Treatment, treatmentOf, veilOf } from './treatment.ts';

export interface ShownFace {
  track: Track;
  treatment: Treatment;
  /** Whose face it is taken for. */
  casting: string | null;
  /** How a replaced face sits with its neck; null: not replaced, or no bare neck is seen. */
  neck: NeckReading | null;
}

export interface FaceReport {
  faces: ShownFace[];
  /** True when the whole picture was covered because its faces could not be looked for, or something failed while they were treated. */
  coveredWhole: boolean;
  /** Milliseconds of the frame's way, which add up: perceive, replace, composite. */
  ms: { perceive: number; replace: number; composite: number };
  /** A sentence for the operator when something failed; the picture is covered where it did. */
  trouble: string | null;
}

export interface FaceStageParts {
  arena: Arena;
  kernels: Kernels;
  perceiver: Perceiver;
  /** Who is who; absent: nobody is cast. Its state is told from outside, and moves with the pictures here. */
  castings?: Castings;
  /** The head that faces are measured on; absent: those who were not asked for a neutral face are taken for average heads. */
  head?: Head;
  /** Finds what stands before a face; absent: everything there is painted over. */
  occlusion?: Pick<Occlusion, 'look' | 'forget' | 'close'> | null;
}

/** Turns plate into program, in place: finds the faces, replaces or covers each. One picture at a time, in order. */
export class FaceStage {
  readonly #parts: FaceStageParts;
  #worn: Worn = { looks: new Map(), own: '' };
  #next: Worn | null = null;
  #busy = false;
  #params: LookParams = {};
  #alive = new Set<number>();
  readonly #resting: RestingFaces | null;
  readonly #neck = new NeckMatch();
  /** Looks that change the performer's own face and cover none. */
  readonly #changing = new WeakSet<Replacer>();

  constructor(parts: FaceStageParts) {
    this.#parts = parts;
    this.#resting = parts.head ? new RestingFaces(parts.head) : null;
  }

  get castings(): Castings | null {
    return this.#parts.castings ?? null;
  }

  /** The feed's own look: what uncast faces wear where the policy says so. */
  get #own(): Replacer | null {
    return this.#worn.looks.get(this.#worn.own) ?? null;
  }

  /** Takes over the feed's own look and no other from the next picture on. Null: faces that would wear it are covered. */
  use(replacer: Replacer | null): void {
    this.wear({ looks: new Map(replacer ? [['own', replacer]] : []), own: 'own' });
  }

  /** Takes over these looks from the next picture on; those that are no longer among them are closed then. */
  wear(worn: Worn): void {
    const before = this.#next;
    this.#next = worn;
    if (before) this.#closeUnworn(before, [this.#worn, worn]);
    if (!this.#busy) this.#swap();
  }

  #swap(): void {
    if (!this.#next) return;
    const before = this.#worn;
    this.#worn = this.#next;
    this.#next = null;
    this.#closeUnworn(before, [this.#worn]);
  }

  #closeUnworn({ looks }: Worn, kept: readonly Worn[]): void {
    const open = new Set(kept.flatMap((one) => [...one.looks.values()]));
    for (const look of looks.values()) if (!open.has(look)) look.close();
  }

  /** Forgets all faces: another camera, another size. */
  reset(): void {
    this.#parts.perceiver.reset();
    this.castings?.reset();
    this.#forget(new Set());
  }

  close(): void {
    this.use(null);
    this.#parts.perceiver.close();
    this.#parts.occlusion?.close();
  }

  /** @param params the dials of the feed's own look, from this picture on; a casting has its own. */
  async process(picture: Picture, uncast: UncastPolicy, params: LookParams = {}): Promise<FaceReport> {
    this.#busy = true;
    this.#params = params;
    try {
      return await this.#process(picture, uncast);
    } finally {
      this.#busy = false;
      this.#swap();
    }
  }

  async #process(picture: Picture, uncast: UncastPolicy): Promise<FaceReport> {
    const began = performance.now();
    const ms = { perceive: 0, replace: 0, composite: 0 };
    let early: Promise<Attempt> | null = null;
    let tracks: Track[];
    try {
      const seen = this.#parts.perceiver.perceive(picture);
      // Both promises fail together; the second is awaited below and speaks for both.
      const followed = await seen.tracked.catch(() => []);
      const first = followed.find((track) => this.#plan(track, uncast).treatment.kind === 'replace');
      // The detector is still searching the picture for newcomers: the first followed face need not wait for it.
      if (first) early = this.#attempt(picture, this.#plan(first, uncast));
      tracks = await seen.complete;
      this.castings?.see(tracks, picture.id.captureUs, picture.width, (track) => sightOf(picture, track));
    } catch (error) {
      await early?.catch(() => undefined);
      coverAll(picture, this.#parts.arena, this.#parts.kernels);
      return {
        faces: [],
        coveredWhole: true,
        ms,
        trouble: `Faces could not be looked for, so the picture is covered: ${text(error)}`,
      };
    }
    return this.#treatAll(picture, tracks, uncast, early, ms, began);
  }

  /** Whatever fails between the first face and the last, some of them are still bare: then the whole picture is covered. */
  async #treatAll(
    picture: Picture,
    tracks: Track[],
    uncast: UncastPolicy,
    early: Promise<Attempt> | null,
    ms: FaceReport['ms'],
    began: number,
  ): Promise<FaceReport> {
    const report: FaceReport = { faces: [], coveredWhole: false, ms, trouble: null };
    try {
      await this.#show(picture, tracks, uncast, early, report);
      this.#resting?.see(tracks);
      this.#forget(new Set(tracks.map(({ id }) => id)));
    } catch (error) {
      coverAll(picture, this.#parts.arena, this.#parts.kernels);
      report.faces = tracks.map((track) => ({
        track,
        treatment: { kind: 'cover', why: 'failed' },
        casting: null,
        neck: null,
      }));
      report.coveredWhole = true;
      report.trouble = `A face could not be replaced or covered, so the whole picture is covered: ${text(error)}`;
    }
    // Looking and replacing overlap: what the frame waited for beside replacing is looking's share.
    ms.perceive = performance.now() - began - ms.replace - ms.composite;
    return report;
  }

  /** Composites what is replaced first, then covers on top, so that no cover is painted over. */
  async #show(
    picture: Picture,
    tracks: Track[],
    uncast: UncastPolicy,
    early: Promise<Attempt> | null,
    report: FaceReport,
  ): Promise<void> {
    const planned = tracks.map((track) => this.#plan(track, uncast));
    const started = early ? await this.#settle(early, report) : null;
    // The early face sits in the replacer's only output: take it before another face is replaced.
    planned.sort((a, b) => Number(b.track.id === started?.track.id) - Number(a.track.id === started?.track.id));
    const veils: { track: Track; strength: number }[] = [];
    for (const face of planned) {
      const { track, treatment, wear } = face;
      const shown = treatment.kind === 'replace' ? await this.#replace(picture, face, started, report) : treatment;
      const replaced = shown.kind === 'replace' || shown.kind === 'change';
      veils.push({
        track,
        strength: shown.kind === 'cover' ? 1 : replaced && wear.look ? veilOf(track, wear.look) : 0,
      });
      const neck = shown.kind === 'replace' ? this.#neck.of(track.id, picture.id.captureUs) : null;
      report.faces.push({ track, treatment: shown, casting: wear.casting?.id ?? null, neck });
    }
    const began = performance.now();
    for (const { track, strength } of veils) {
      if (strength > 0) coverFace(picture, track, this.#parts.arena, this.#parts.kernels, strength);
    }
    report.ms.composite += performance.now() - began;
  }

  async #replace(picture: Picture, planned: Planned, started: Attempt | null, report: FaceReport): Promise<Treatment> {
    const { track, wear } = planned;
    // What was begun early holds only when the detector had nothing to add: landmarks read again are another object.
    const same = started?.track.id === track.id && started.track.landmarks === track.landmarks;
    const holds = same && started.wear.look === wear.look && started.wear.casting === wear.casting;
    const attempt = holds ? started : await this.#settle(this.#attempt(picture, planned), report);
    const { face } = attempt;
    if (!face) return { kind: 'cover', why: 'look failed' };
    const { arena, kernels } = this.#parts;
    const began = performance.now();
    const own = face.how === 'change';
    const drawn = own || drawnOver(face, track, arena);
    // Only of a face that is drawn whole may something be left out.
    if (drawn && attempt.holes) leaveOut(face, attempt.holes, arena);
    const seen = drawn && !own ? this.#neck.plate(picture, track) : null;
    const laid = drawn && compositeFace(picture, face, kernels, arena);
    if (laid && seen) this.#neck.program(picture, track, seen);
    report.ms.composite += performance.now() - began;
    if (own || laid) return { kind: own ? 'change' : 'replace' };
    report.trouble = `The look ${wear.look?.name ?? ''} drew nothing on a face, which is covered. If this stays, choose another look.`;
    return { kind: 'cover', why: 'look failed' };
  }

  async #settle(running: Promise<Attempt>, report: FaceReport): Promise<Attempt> {
    const attempt = await running;
    report.ms.replace += attempt.ms;
    if (attempt.trouble) report.trouble = attempt.trouble;
    return attempt;
  }

  async #attempt(picture: Picture, { track, wear }: Planned): Promise<Attempt> {
    const began = performance.now();
    const { landmarks } = track;
    const { look, params, neutral } = wear;
    if (!look || !landmarks) return { track, wear, face: null, holes: null, ms: 0, trouble: null };
    try {
      const drawing = async () => look.replace({ picture, landmarks, params, neutral, trackId: track.id });
      // What stands before the face is looked for meanwhile, but for a look that covers nothing. Both come to their end, whichever fails.
      const looking = this.#changing.has(look) ? null : this.#parts.occlusion?.look(picture, landmarks, track.id);
      const [seen, drawn] = await Promise.allSettled([looking, drawing()]);
      const face = resultOf(drawn);
      if (face.how === 'change') this.#changing.add(look);
      const holes = face.how === 'cover' ? (resultOf(seen)?.(face) ?? null) : null;
      return { track, wear, face, holes, ms: performance.now() - began, trouble: null };
    } catch (error) {
      return {
        track,
        wear,
        face: null,
        holes: null,
        ms: performance.now() - began,
        trouble: `The look ${look.name} failed on a face, which is covered: ${text(error)}`,
      };
    }
  }

  /** What becomes of a face: a casting's own look where it is known, the feed's policy where it is nobody's. */
  #plan(track: Track, uncast: UncastPolicy): Planned {
    const claim = this.castings?.claim(track.id) ?? { kind: 'none' };
    const resting = this.#resting?.of(track.id) ?? null;
    if (claim.kind === 'cast') {
      const { casting } = claim;
      const neutral = claim.neutral ?? resting;
      const look = this.#worn.looks.get(casting.look) ?? null;
      const wear = { look, params: { age: casting.age / AGE_LIMIT }, casting, neutral };
      return { track, treatment: treatmentOf(track, 'look', look), wear };
    }
    const wear = { look: this.#own, params: this.#params, casting: null, neutral: resting };
    const treatment = claim.kind === 'unsure' ? coverUnsure(track) : treatmentOf(track, uncast, wear.look);
    return { track, treatment, wear };
  }

  #forget(alive: Set<number>): void {
    for (const id of this.#alive) {
      if (alive.has(id)) continue;
      this.#resting?.forget(id);
      this.#neck.forget(id);
      this.#parts.occlusion?.forget(id);
      for (const look of this.#worn.looks.values()) look.forget(id);
    }
    this.#alive = alive;
  }
}

/** Looks that are open, by name, and which of them is the feed's own. */
export interface Worn {
  looks: ReadonlyMap<string, Replacer>;
  own: string;
}

/** What a face is to be shown in. */
interface Wear {
  look: Replacer | null;
  params: LookParams;
  casting: Casting | null;
  /** The performer's face at rest, as far as it is known. */
  neutral: Float32Array | null;
}

interface Planned {
  track: Track;
  treatment: Treatment;
  wear: Wear;
}

interface Attempt {
  track: Track;
  wear: Wear;
  face: Awaited<ReturnType<Replacer['replace']>> | null;
  holes: Holes | null;
  ms: number;
  trouble: string | null;
}

function resultOf<T>(settled: PromiseSettledResult<T>): T {
  if (settled.status === 'rejected') throw settled.reason;
  return settled.value;
}

const text = (error: unknown): string => (error instanceof Error ? error.message : String(error));
