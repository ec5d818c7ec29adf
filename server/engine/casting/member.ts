import type { Casting, CastingState, NeutralFace, NeutralMissed } from '../../wire/casting.ts';
import { Capture } from './capture.ts';
import type { FaceMemory } from './memory.ts';
import { apart, type Place, type Watched } from './watched.ts';

/** A performer is looked for within so many widths of where they were last, and so many more for each second since; at most in all. */
const REACH = 0.75;
const REACH_PER_SECOND = 1.5;
const MAX_REACH = 3;
/** How far the last motion is believed to have gone on. */
const COAST_SECONDS = 0.3;
/** Nearer or further from the camera than this: another face. */
const SIZE_RATIO = 1.6;
/** After so long nobody's place says anything any more. */
const AWAY_US = 120_000_000;

/** One casting while its feed runs: who wears it now, where the performer was last, and their face at rest. */
export class Member {
  casting: Casting;
  neutral: NeutralFace | null = null;
  /** Of `neutral`, 478 × 3. */
  points: Float32Array | null = null;
  /** What they are known again by. */
  readonly memory: FaceMemory;
  /** Whose face it is, for certain; the track may be out of sight for a moment. */
  track: Watched | null = null;
  /** Whether the shape has said so, too, since it was bound. */
  agreed = false;
  /** Tracks of a crossing of which one must be the performer's; null after anything else. */
  met: Set<number> | null = null;
  capture: Capture | null = null;
  /** Why the last capture came to nothing. */
  missed: NeutralMissed | null = null;
  #last: { place: Place; velocity: { x: number; y: number }; us: number } | null = null;

  constructor(casting: Casting, memory: FaceMemory, last: (Place & { captureUs: number }) | null = null) {
    this.casting = casting;
    this.memory = memory;
    if (last) this.#last = { place: last, velocity: { x: 0, y: 0 }, us: last.captureUs };
  }

  /** Whether the performer is in sight and known. */
  get present(): boolean {
    return this.track?.clear === true;
  }

  get state(): CastingState {
    const track = this.present ? (this.track?.id ?? null) : null;
    const neutral = this.capture ? 'capturing' : this.neutral ? 'kept' : this.memory.learned ? 'learned' : 'none';
    return { id: this.casting.id, track, neutral, missed: this.missed };
  }

  bind(track: Watched, agreed: boolean): void {
    this.track = track;
    this.agreed = agreed;
    this.met = null;
  }

  unbind(): void {
    this.track = null;
    this.agreed = false;
    this.met = null;
    this.memory.interrupt();
    if (this.capture) this.endCapture('gone');
  }

  note(us: number): void {
    if (this.track?.clear) this.#last = { place: this.track.place, velocity: { ...this.track.velocity }, us };
  }

  /** Who meets one of those among whom the performer is may be exchanged with them; who vanishes may be the performer. */
  mingle(watched: ReadonlyMap<number, Watched>): void {
    if (!this.met) return;
    const vanished = [...this.met].some((id) => !watched.has(id));
    if (vanished) this.met = null;
    else for (const id of [...this.met]) for (const other of watched.get(id)?.met ?? []) this.met.add(other);
  }

  /** The performer holds still from now on. */
  begin(): void {
    this.capture = this.track ? new Capture() : null;
    this.missed = this.track ? null : 'gone';
  }

  /** @param missed why it came to nothing; null where it has not. */
  endCapture(missed: NeutralMissed | null): void {
    this.capture = null;
    this.missed = missed;
  }

  /** Whether the stretch began where the performer may have been by then. */
  near({ from }: Watched): boolean {
    const last = this.#last;
    if (!last) return false;
    const seconds = Math.max(0, from.us - last.us) / 1e6;
    if (seconds * 1e6 > AWAY_US) return false;
    const ratio = from.place.w / last.place.w;
    if (!(ratio < SIZE_RATIO && ratio > 1 / SIZE_RATIO)) return false;
    const coast = Math.min(seconds, COAST_SECONDS);
    const { place, velocity } = last;
    const ahead = { ...place, x: place.x + velocity.x * coast, y: place.y + velocity.y * coast };
    const reach = Math.min(MAX_REACH, REACH + REACH_PER_SECOND * seconds);
    return Math.min(apart(place, from.place), apart(ahead, from.place)) <= reach;
  }
}
