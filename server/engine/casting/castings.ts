import type { Track } from '../../face/types.ts';
import type { Casting, CastingState, NeutralFace } from '../../wire/casting.ts';
import type { Capture, Seen } from './capture.ts';
import { type Head, onHead } from './head.ts';
import { Member } from './member.ts';
import { FaceMemory, type Match } from './memory.ts';
import { type ShapeModel, shapeOf } from './shape.ts';
import type { Sight } from './sight.ts';
import { type Place, placeOf, Watched } from './watched.ts';

/** Good views of a face before its shape says anything: whose it is, which of those who crossed it is, and that it is none of the cast. */
const VIEWS = 12;
const VIEWS_MET = 6;
const VIEWS_APART = 24;
/**
 * Nats (shape.ts: likeness). At least SAME for a performer's own face, MARGIN more than for any other casting's or any other face that
 * could be theirs; where it must be one of those that have just crossed, MET will do. At most APART for somebody else's; a bound face
 * that falls below LOST has become another's. server/docs/decisions/identity.md.
 */
const SAME = 7.5;
const MET = 3;
const MARGIN = 5;
const APART = -15;
const LOST = -25;

/**
 * Whose a face is. cast: this performer's. unsure: perhaps a cast performer's that is not known again yet, so it must not be seen.
 * none: nobody's that is cast.
 */
export type Claim =
  | { kind: 'cast'; casting: Casting; neutral: Float32Array | null }
  | { kind: 'unsure' }
  | { kind: 'none' };

interface Given {
  casting: Casting;
  /** Where it is left out, the one that is known stays. */
  neutral?: NeutralFace | null | undefined;
  /** Where an engine before this one saw the performer last, in picture widths. */
  last?: (Place & { captureUs: number }) | null | undefined;
}

export interface CastingsParts {
  head: Head;
  model: ShapeModel;
}

/**
 * Knows performers again (design: a casting belongs to a performer, a track is only evidence). State follows from tracks, capture times
 * and what the operator says. Fails closed: what is not certain is `unsure`, and one tap ends it.
 */
export class Castings {
  /** A face at rest has been captured. */
  captured: (casting: string, neutral: NeutralFace) => void = () => undefined;
  readonly #parts: CastingsParts;
  #members: Member[] = [];
  readonly #watched = new Map<number, Watched>();
  /** Castings whose face at rest is wanted. */
  readonly #asked: string[] = [];
  readonly #taps: { casting: string | null; track: number }[] = [];

  constructor(parts: CastingsParts) {
    this.#parts = parts;
  }

  get states(): CastingState[] {
    return this.#members.map(({ state }) => state);
  }

  /** Who is cast from now on; who was before stays bound. */
  set(castings: readonly Given[]): void {
    const before = new Map(this.#members.map((member) => [member.casting.id, member]));
    this.#members = castings.map(({ casting, neutral, last }) => {
      const member = before.get(casting.id) ?? new Member(casting, new FaceMemory(this.#parts.model), last);
      member.casting = casting;
      if (neutral && neutral.atMs > (member.neutral?.atMs ?? Number.NEGATIVE_INFINITY)) this.#keep(member, neutral, 0);
      return member;
    });
  }

  /** The operator's word, from the next picture on: it holds as long as the face is followed without doubt. Null: nobody's. */
  bind(casting: string | null, track: number): void {
    this.#taps.push({ casting, track });
  }

  /** A performer holds still: their face at rest is collected from the next pictures. */
  capture(casting: string): void {
    this.#asked.push(casting);
  }

  /** Forgets all tracks (another camera, a pause); where performers were last stays known. */
  reset(): void {
    for (const member of this.#members) member.unbind();
    this.#watched.clear();
  }

  /** One picture's tracks, once they are complete. @param width of the picture. @param sight how well a face is seen; asked seldom. */
  see(tracks: readonly Track[], us: number, width: number, sight: (track: Track) => Sight | null = () => null): void {
    if (this.#members.length === 0) {
      this.#watched.clear();
      this.#taps.length = 0;
      this.#asked.length = 0;
      return;
    }
    const points = new Map<number, Float32Array>();
    const pointsOf = (track: Track): Float32Array => {
      const known = points.get(track.id) ?? onHead(this.#parts.head, track.landmarks?.points ?? new Float32Array());
      points.set(track.id, known);
      return known;
    };
    this.#watch(tracks, us, width, pointsOf);
    for (const tap of this.#taps.splice(0)) this.#tap(tap);
    for (const member of this.#members) this.#follow(member, us);
    for (const watched of this.#watched.values()) {
      if (!watched.clear) continue;
      for (const { track, present, casting } of this.#members)
        if (present && track !== watched) watched.others.add(casting.id);
    }
    this.#know();
    for (const id of this.#asked.splice(0)) this.#members.find(({ casting }) => casting.id === id)?.begin();
    for (const member of this.#members) {
      const track = tracks.find(({ id }) => id === member.track?.id);
      const shown = () => (track && member.present ? { track, points: pointsOf(track), sight: sight(track) } : null);
      if (member.capture) this.#collect(member, member.capture.add(shown(), us), us);
      else this.#remember(member, shown, us);
    }
  }

  claim(track: number): Claim {
    if (this.#members.length === 0) return { kind: 'none' };
    const watched = this.#watched.get(track);
    if (!watched) return { kind: 'unsure' };
    const member = this.#members.find((one) => one.track === watched);
    if (member) return { kind: 'cast', casting: member.casting, neutral: member.points };
    const none = watched.nobody || this.#members.every((one) => one.present || this.#excludes(one, watched));
    return { kind: none ? 'none' : 'unsure' };
  }

  #tap({ casting, track }: { casting: string | null; track: number }): void {
    const watched = this.#watched.get(track);
    if (!watched) return;
    for (const member of this.#members) {
      if (member.track !== watched || member.casting.id === casting) continue;
      member.unbind();
      member.memory.forget();
    }
    watched.nobody = casting === null;
    const member = this.#members.find((one) => one.casting.id === casting);
    if (!member || member.track === watched) return;
    member.unbind();
    member.bind(watched, false);
    member.memory.tap();
    watched.others.delete(member.casting.id);
  }

  #watch(tracks: readonly Track[], us: number, width: number, pointsOf: (track: Track) => Float32Array): void {
    for (const id of this.#watched.keys()) if (!tracks.some((track) => track.id === id)) this.#watched.delete(id);
    for (const track of tracks) {
      const watched = this.#watched.get(track.id) ?? new Watched(track, us, width);
      this.#watched.set(track.id, watched);
      const crowd = tracks
        .filter((other) => other !== track)
        .map(({ id, box }) => ({ id, place: placeOf(box, width) }));
      watched.see(track, us, width, crowd, () => shapeOf(this.#parts.model, pointsOf(track)));
    }
  }

  /** A bound performer: gone, in doubt, turned out to be somebody else, or still there. */
  #follow(member: Member, us: number): void {
    const { track } = member;
    if (!track) {
      member.mingle(this.#watched);
      return;
    }
    const seen = track.clear && track.views >= VIEWS;
    if (seen && this.#match(member, track).score >= SAME) member.agreed = true;
    const newest = seen && member.agreed ? this.#match(member, track, VIEWS) : null;
    const became = newest?.posed === true && newest.score < LOST;
    const gone = this.#watched.get(track.id) !== track;
    if (gone || track.broken || became) member.unbind();
    else member.note(us);
    if (track.broken && !gone) member.met = new Set([track.id, ...track.met]);
  }

  /** Who is not known for certain, but can be: nearest shape first, and only where nobody else comes into question. */
  #know(): void {
    const free = [...this.#watched.values()].filter(
      (one) => one.known && !one.nobody && !this.#members.some(({ track }) => track === one),
    );
    const found = this.#members.map((member) => ({ member, watched: this.#find(member, free) }));
    for (const { member, watched } of found) {
      // Two performers who both take one face for theirs: neither.
      if (!watched || found.some((other) => other.member !== member && other.watched === watched)) continue;
      member.unbind();
      member.bind(watched, true);
    }
  }

  /** The face that is this performer's beyond doubt; null while there is any. */
  #find(member: Member, free: readonly Watched[]): Watched | null {
    if (member.present || !member.memory.known) return null;
    const near = free.filter((one) => !one.clear || (!one.others.has(member.casting.id) && member.near(one)));
    const [views, enough] = this.#isOneOf(member, near) ? [VIEWS_MET, MET] : [VIEWS, SAME];
    // Whoever has not been looked at for long enough might be the one.
    if (near.some((one) => !one.clear || one.views < views)) return null;
    const [best, second] = near
      .map((one) => ({ one, score: this.#match(member, one).score }))
      .sort((a, b) => b.score - a.score);
    if (!best || best.score < enough || (second && second.score > best.score - MARGIN)) return null;
    const rivals = this.#members.filter(
      (other) => other !== member && !other.present && other.memory.known && !best.one.others.has(other.casting.id),
    );
    return rivals.some((other) => this.#match(other, best.one).score > best.score - MARGIN) ? null : best.one;
  }

  /** Whether the performer must be one of these faces: all who crossed are in sight again, at least two, and nobody else is about. */
  #isOneOf({ met }: Member, near: readonly Watched[]): boolean {
    return met !== null && met.size > 1 && near.every(({ id }) => met.has(id)) && this.#allSeen(met);
  }

  #allSeen(met: ReadonlySet<number>): boolean {
    return [...met].every((id) => {
      const watched = this.#watched.get(id);
      return (
        watched?.clear === true && (watched.views >= VIEWS_MET || this.#members.some(({ track }) => track === watched))
      );
    });
  }

  /** Whether this face surely is not this performer's. */
  #excludes(member: Member, watched: Watched): boolean {
    if (watched.others.has(member.casting.id)) return true;
    if (watched.views < VIEWS_APART) return false;
    const { score, posed } = this.#match(member, watched);
    return posed && Number.isFinite(score) && score <= APART;
  }

  #match({ memory }: Member, watched: Watched, views?: number): Match {
    return memory.match(watched.view(views));
  }

  #collect(member: Member, result: ReturnType<Capture['add']>, us: number): void {
    if (result === 'more') return;
    if (typeof result === 'string') {
      member.endCapture(result);
      return;
    }
    member.endCapture(null);
    member.agreed = true;
    this.#keep(member, result, us, member.track);
    this.captured(member.casting.id, result);
  }

  /** What a bound performer's picture adds to what is known of them. @param shown the picture; asked only where it is wanted. */
  #remember({ memory, track, agreed, present }: Member, shown: () => Seen | null, us: number): void {
    if (!track || !present) return;
    if (!track.alone) {
      memory.interrupt();
      return;
    }
    if (track.views === 0) return;
    const seen = memory.learning ? shown() : null;
    const { model } = this.#parts;
    const one = { view: track.fresh, newest: track.view(VIEWS), confirmed: agreed };
    memory.see(one, seen, us, ({ points }) => shapeOf(model, points));
  }

  #keep(member: Member, neutral: NeutralFace, us: number, from: Watched | null = null): void {
    member.neutral = neutral;
    member.points = Float32Array.from(neutral.points);
    member.memory.capture(shapeOf(this.#parts.model, neutral.points), from?.newest() ?? [], us);
  }
}
