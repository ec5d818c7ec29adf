import type { Box, Track } from '../../face/types.ts';
import { meanView, type View } from './gallery.ts';

/** Where a face is, in picture widths, so that the program's resolution does not matter. */
export interface Place {
  /** Of the middle. */
  x: number;
  y: number;
  /** Of the face. */
  w: number;
}

/** Frames over which a shape is averaged: about a second. */
const WINDOW = 30;
/** Turned or bent further than this the landmark model's shapes are guesses. Cameras hang high and stand low: there is room for those. */
const MAX_YAW_DEG = 20;
const MAX_PITCH_DEG = 32;
/** A face that was not clear for no longer than this, at its place and alone, is still the same one. */
const BRIEF_US = 300_000;
const SAME_PLACE = 0.5;
/** Nearer than this, in mean widths, another face might have taken its place. */
const NEAR = 2;
/** Further than this many widths from one picture to the next within JUMP_US no head moves. */
const JUMP = 0.7;
const JUMP_US = 120_000;

/** One track as far as it tells who somebody is: an unbroken stretch, where it began, and the face's shape in it. */
export class Watched {
  readonly id: number;
  place: Place;
  /** Widths of the picture a second. */
  velocity = { x: 0, y: 0 };
  /** Whether it may be said in this picture whose face it is. */
  clear = false;
  /** Whether it ever could be said: a hand that was taken for a face for a moment never could. */
  known = false;
  /** Whether this picture broke the stretch: what was known of the face no longer counts. */
  broken = false;
  /** Where and when the stretch began. */
  from: { place: Place; us: number };
  /** Castings whose performers were surely elsewhere at some time of the stretch. */
  readonly others = new Set<string>();
  /** Other tracks that came near while this one was last not clear. */
  readonly met = new Set<number>();
  /** The operator said that it is nobody's. */
  nobody = false;
  /** No other face is near in this picture. */
  alone = false;
  /** What this picture adds to the views; null where it is no good one. */
  fresh: View | null = null;
  #lastUs: number;
  #gap: { sinceUs: number; place: Place; alone: boolean } | null = null;
  #views: View[] = [];

  constructor(track: Track, us: number, width: number) {
    this.id = track.id;
    this.place = placeOf(track.box, width);
    this.from = { place: this.place, us };
    this.#lastUs = us;
  }

  /** Good views of the stretch, at most WINDOW. */
  get views(): number {
    return this.#views.length;
  }

  /** The mean of the newest good views, at most so many; of at least one. */
  view(views = WINDOW): View {
    return meanView(this.newest(views));
  }

  newest(views = WINDOW): readonly View[] {
    return this.#views.slice(-views);
  }

  /** @param crowd the places of all other faces of the picture. @param shape read only where the face is seen from the front. */
  see(
    track: Track,
    us: number,
    width: number,
    crowd: readonly { id: number; place: Place }[],
    shape: () => Float64Array,
  ): void {
    const before = this.place;
    const seconds = (us - this.#lastUs) / 1e6;
    const wasClear = this.clear;
    this.place = placeOf(track.box, width);
    this.clear = track.state === 'known' && track.landmarks !== null;
    this.known ||= this.clear;
    this.broken = false;
    this.fresh = null;
    const near = crowd.filter((other) => apart(this.place, other.place) <= NEAR);
    const alone = near.length === 0;
    this.alone = alone;
    if (!this.clear) {
      if (!this.#gap) this.met.clear();
      this.#gap ??= { sinceUs: this.#lastUs, place: before, alone: true };
      this.#gap.alone &&= alone;
      for (const { id } of near) this.met.add(id);
      return;
    }
    const jumped = wasClear && us - this.#lastUs <= JUMP_US && apart(before, this.place) > JUMP;
    // What leapt may have leapt from anywhere.
    if (jumped) this.met.clear();
    if (this.#gap || jumped) this.#resume(us, alone && !jumped);
    else if (seconds > 0) this.#move(before, seconds);
    this.#lastUs = us;
    const { yawDeg, pitchDeg } = track;
    if (!(Math.abs(yawDeg) <= MAX_YAW_DEG && Math.abs(pitchDeg) <= MAX_PITCH_DEG)) return;
    this.fresh = { shape: shape(), yawDeg, pitchDeg };
    this.#views.push(this.fresh);
    if (this.#views.length > WINDOW) this.#views.shift();
  }

  #resume(us: number, alone: boolean): void {
    const gap = this.#gap;
    this.#gap = null;
    this.velocity = { x: 0, y: 0 };
    const brief = gap !== null && us - gap.sinceUs <= BRIEF_US && apart(gap.place, this.place) <= SAME_PLACE;
    if (brief && alone && gap.alone) return;
    this.broken = true;
    this.from = { place: this.place, us };
    this.others.clear();
    this.nobody = false;
    this.#views = [];
  }

  #move(before: Place, seconds: number): void {
    const share = 0.3;
    this.velocity = {
      x: this.velocity.x + share * ((this.place.x - before.x) / seconds - this.velocity.x),
      y: this.velocity.y + share * ((this.place.y - before.y) / seconds - this.velocity.y),
    };
  }
}

export const placeOf = ({ x, y, w, h }: Box, width: number): Place => ({
  x: (x + w / 2) / width,
  y: (y + h / 2) / width,
  w: w / width,
});

/** Between the middles, in mean widths; infinite where there is no number. */
export function apart(a: Place, b: Place): number {
  const distance = Math.hypot(a.x - b.x, a.y - b.y) / ((a.w + b.w) / 2);
  return Number.isFinite(distance) ? distance : Number.POSITIVE_INFINITY;
}
