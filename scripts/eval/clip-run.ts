import type { Occlusion } from '../../server/double/occlusion/occlusion.ts';
import type { Replacer } from '../../server/double/replacer.ts';
import { FaceStage, type ShownFace } from '../../server/engine/face-stage.ts';
import type { Perceiver } from '../../server/face/perceiver.ts';
import type { Picture } from '../../server/frame/frame.ts';
import type { EngineParts } from './engine.ts';
import { faceAt, type LabelledFace, type Labels } from './labels.ts';
import { densityOf, type Layer, LayerRecorder, touchedMask } from './mask.ts';
import {
  changedShare,
  changeInside,
  changeOutside,
  detailCorrelation,
  jumpiness,
  type Patch,
  patchOf,
} from './measures.ts';
import { Portrait } from './portrait.ts';
import type { ContactSheet } from './sheet.ts';
import { skinOnly } from './skin.ts';
import { readVideo } from './video.ts';

/** Labelled faces turned further than this need not be replaced, only not be seen. */
const MAX_LABELLED_YAW_DEG = 45;
/** A treatment that changes less of a face than this does not count as one. */
const TREATED_SHARE = 0.4;

export interface Engine extends EngineParts {
  /** A new replacer, the stage's to close. */
  replacer(): Promise<Replacer>;
}

/** All that one clip has to tell. */
export class ClipResult {
  frames = 0;
  labelled = 0;
  inYaw = 0;
  replacedInYaw = 0;
  safe = 0;
  covered = 0;
  leakedFrames = 0;
  /** Null where the clip has no labelled decoy. */
  decoyReplacedFrames: number | null = null;
  trackSwitches = 0;
  /** Faces the engine replaced, whether labelled or not. */
  replacedFaces = 0;
  foundAgain: number[] = [];
  inside: number[] = [];
  outside = 0;
  /** Of bare skin, and of everything under the layer: brows and lips of two people stand in the same places. */
  detail: number[] = [];
  everyDetail: number[] = [];
  landmarkErrorPct: number[] = [];
  flicker: { plate: number[]; program: number[] } = { plate: [], program: [] };
  replaceMs: number[] = [];
  troubles = new Set<string>();
  portraits = { plate: new Portrait(), program: new Portrait() };
}

export interface ClipOptions {
  file: string;
  labels: Labels | null;
  maxFrames: number;
  /** Slow measures (landmarks anew, detail, pictures) are taken of every n-th frame. */
  every: number;
  sheet: ContactSheet;
  sheetEvery: number;
}

/** Runs the engine's own per-frame code over a clip and measures what came of it, before encoding. */
export async function runClip(engine: Engine, options: ClipOptions): Promise<ClipResult> {
  const run = new ClipRun(
    engine,
    options,
    await engine.replacer(),
    await engine.perceiver(),
    await engine.perceiver(),
    await engine.occlusion(),
  );
  try {
    for await (const program of readVideo(options.file, engine.pictures)) {
      const plate = engine.pictures.copy(program);
      await run.frame(plate, program);
      engine.pictures.give(plate);
      engine.pictures.give(program);
      if (run.result.frames >= options.maxFrames) break;
    }
  } finally {
    run.close();
  }
  return run.result;
}

class ClipRun {
  readonly result = new ClipResult();
  readonly #options: ClipOptions;
  readonly #stage: FaceStage;
  readonly #recorder: LayerRecorder;
  /** Looks at plate and program as if it had never seen the face. */
  readonly #fresh: Perceiver;
  #switches = new Map<number, number>();
  #history = new Map<number, { plate: Patch; program: Patch }[]>();

  constructor(
    engine: Engine,
    options: ClipOptions,
    replacer: Replacer,
    perceiver: Perceiver,
    fresh: Perceiver,
    occlusion: Occlusion | null,
  ) {
    this.#options = options;
    this.#recorder = new LayerRecorder(replacer, engine.arena);
    this.#stage = new FaceStage({ ...engine, perceiver, occlusion });
    this.#stage.use(this.#recorder.replacer);
    this.#fresh = fresh;
  }

  close(): void {
    this.#stage.close();
    this.#fresh.close();
  }

  async frame(plate: Picture, program: Picture): Promise<void> {
    const { result } = this;
    const index = result.frames++;
    const report = await this.#stage.process(program, 'look');
    if (report.trouble) result.troubles.add(report.trouble);
    const replaced = new Set(
      report.faces.filter((face) => face.treatment.kind === 'replace').map((face) => face.track.id),
    );
    const layers = this.#recorder.take().filter((layer) => replaced.has(layer.trackId));
    result.replacedFaces += layers.length;
    if (replaced.size > 0) result.replaceMs.push(report.ms.replace / replaced.size);
    this.#judgeLabels(index, plate, program, report.faces, report.coveredWhole);
    this.#judgeDecoy(report.faces, layers, plate);
    if (!report.coveredWhole) {
      const covered = report.faces.filter((face) => face.treatment.kind === 'cover').map((face) => face.track);
      result.outside = Math.max(result.outside, changeOutside(plate, program, touchedMask(plate, layers, covered)));
    }
    this.#follow(layers, plate, program);
    if (index % this.#options.every === this.#options.every - 1)
      await this.#lookClosely(layers, report.faces, plate, program);
    if (index % this.#options.sheetEvery === Math.floor(this.#options.sheetEvery / 2))
      await this.#picture(report.faces, plate, program);
  }

  #judgeLabels(
    index: number,
    plate: Picture,
    program: Picture,
    faces: readonly ShownFace[],
    coveredWhole: boolean,
  ): void {
    const { result } = this;
    const labelled: LabelledFace[] = this.#options.labels?.faces[index] ?? [];
    let leaked = false;
    for (const [place, label] of labelled.entries()) {
      result.labelled++;
      const face = faceAt(label.box, faces);
      const changed = changedShare(plate, program, label.box) >= TREATED_SHARE;
      const kind = coveredWhole ? 'cover' : (face?.treatment.kind ?? 'plate');
      const treated = changed && kind !== 'plate';
      if (treated) result.safe++;
      else leaked = true;
      if (treated && kind === 'cover') result.covered++;
      if (Math.abs(label.yawDeg) <= MAX_LABELLED_YAW_DEG) {
        result.inYaw++;
        if (treated && kind === 'replace') result.replacedInYaw++;
      }
      if (!face) continue;
      const before = this.#switches.get(place);
      if (before !== undefined && before !== face.track.id) result.trackSwitches++;
      this.#switches.set(place, face.track.id);
    }
    if (leaked) result.leakedFrames++;
  }

  #judgeDecoy(faces: readonly ShownFace[], layers: readonly Layer[], plate: Picture): void {
    const decoy = this.#options.labels?.decoy;
    if (!decoy) return;
    this.result.decoyReplacedFrames ??= 0;
    const [x, y, w, h] = decoy;
    const onIt = layers.some((layer) => {
      const track = faces.find((face) => face.track.id === layer.trackId)?.track;
      if (!track) return false;
      const [cx, cy] = [track.box.x + track.box.w / 2, track.box.y + track.box.h / 2];
      if (cx > x && cx < x + w && cy > y && cy < y + h) return true;
      const density = densityOf(plate, layer, layer.alpha);
      const [u, v] = [Math.round(x + w / 2), Math.round(y + h / 2)];
      return (density[v * plate.width + u] ?? 0) > 0.5;
    });
    if (onIt) this.result.decoyReplacedFrames++;
  }

  /** Flicker is judged through one crop for three frames, so that a head that moves does not count as one that flickers. */
  #follow(layers: readonly Layer[], plate: Picture, program: Picture): void {
    const next = new Map<number, { plate: Patch; program: Patch }[]>();
    for (const layer of layers) {
      const past = this.#history.get(layer.trackId)?.slice(-2) ?? [];
      const now = { plate: patchOf(plate, layer), program: patchOf(program, layer) };
      past.push(now);
      next.set(layer.trackId, past);
      const [a, b, c] = past;
      if (!a || !b || !c) continue;
      this.result.flicker.plate.push(jumpiness(a.plate, b.plate, c.plate));
      this.result.flicker.program.push(jumpiness(a.program, b.program, c.program));
    }
    this.#history = next;
  }

  async #lookClosely(
    layers: readonly Layer[],
    faces: readonly ShownFace[],
    plate: Picture,
    program: Picture,
  ): Promise<void> {
    const { result } = this;
    for (const layer of layers) {
      const density = densityOf(plate, layer, layer.alpha);
      result.inside.push(changeInside(plate, program, density));
      result.everyDetail.push(detailCorrelation(plate, program, density));
      const points = faces.find((face) => face.track.id === layer.trackId)?.track.landmarks?.points;
      if (!points) continue;
      // Hair and hands that were left in front are the plate's own, and no copy.
      const laid = densityOf(plate, layer, layer.laid);
      result.detail.push(detailCorrelation(plate, program, skinOnly(laid, plate, points)));
      result.portraits.plate.add(plate, points, laid);
      result.portraits.program.add(program, points, laid);
    }
    if (layers.length === 0) return;
    const [before, after] = [await this.#anew(plate), await this.#anew(program)];
    for (const layer of layers) {
      const track = faces.find((face) => face.track.id === layer.trackId)?.track;
      if (!track) continue;
      const centre: [number, number] = [track.box.x + track.box.w / 2, track.box.y + track.box.h / 2];
      const [was, is] = [nearest(before, centre), nearest(after, centre)];
      result.foundAgain.push(is ? 1 : 0);
      if (was && is) result.landmarkErrorPct.push(landmarkErrorPct(was, is));
    }
  }

  async #anew(picture: Picture): Promise<Float32Array[]> {
    this.#fresh.reset();
    const tracks = await this.#fresh.perceive(picture).complete;
    return tracks.flatMap((track) => (track.landmarks ? [track.landmarks.points] : []));
  }

  async #picture(faces: readonly ShownFace[], plate: Picture, program: Picture): Promise<void> {
    const box = faces[0]?.track.box;
    if (!box) return;
    const side = 1.5 * Math.max(box.w, box.h);
    await this.#options.sheet.add(
      [plate, program],
      [box.x + box.w / 2 - side / 2, box.y + box.h / 2 - side / 2, side, side],
    );
  }
}

/** The landmarks whose nose is nearest to a place, within one face's width. */
function nearest(all: readonly Float32Array[], [x, y]: readonly [number, number]): Float32Array | null {
  let best: Float32Array | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const points of all) {
    const distance = Math.hypot(points[3 * 4]! - x, points[3 * 4 + 1]! - y);
    const width = Math.hypot(points[3 * 454]! - points[3 * 234]!, points[3 * 454 + 1]! - points[3 * 234 + 1]!);
    if (distance < width && distance < least) [best, least] = [points, distance];
  }
  return best;
}

/** Mean distance of 468 points, % of the distance between the eyes' centres. */
export function landmarkErrorPct(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < 468; i++) sum += Math.hypot(a[3 * i]! - b[3 * i]!, a[3 * i + 1]! - b[3 * i + 1]!);
  const eye = (p: number, q: number, axis: number): number => (a[3 * p + axis]! + a[3 * q + axis]!) / 2;
  const between = Math.hypot(eye(33, 133, 0) - eye(263, 362, 0), eye(33, 133, 1) - eye(263, 362, 1));
  return ((sum / 468) * 100) / between;
}
