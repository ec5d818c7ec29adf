import type { NeutralFace } from '../../wire/casting.ts';
import { Capture, type Seen } from './capture.ts';
import { apart, COMPARED, Gallery, meanView, type View } from './gallery.ts';
import { likeness, type ShapeModel } from './shape.ts';

/** Views after the operator's tap that say whose face was tapped. */
const TAPPED_VIEWS = 12;
/** Nats. What is learned must be the tapped face's, and each view that is kept the performer's: strangers may reach this, but not unseen. */
const OWN = 3;
/** A face at rest was seen from the front, within so many degrees; a view is a match for others no further away than this. */
const FRONT_DEG = 20;
const MATCH_DEG = 12;

/** How like a performer a face is. */
export interface Match {
  /** Nats (shape.ts: likeness). */
  score: number;
  /** Whether the performer is known in such a pose: only then is unlikeness somebody else's. */
  posed: boolean;
}

/**
 * The faces by which one performer is known again: at rest, as captured, or where nothing was captured as learned since the operator's tap,
 * and their own views by pose. Nothing is ever taken from a face that is not bound, nor while another is near that might be taken for it.
 */
export class FaceMemory {
  readonly #model: ShapeModel;
  readonly #gallery = new Gallery();
  #captured: Float64Array | null = null;
  #learned: Float64Array | null = null;
  /** Since the operator's tap, until another face comes near. */
  #tapped: { views: View[]; capture: Capture } | null = null;

  constructor(model: ShapeModel) {
    this.#model = model;
  }

  /** Whether there is anything to know them by. */
  get known(): boolean {
    return this.#atRest !== null;
  }

  get learned(): boolean {
    return this.#learned !== null && this.#captured === null;
  }

  get #atRest(): Float64Array | null {
    return this.#captured ?? this.#learned;
  }

  /** A face at rest was captured. @param views the newest of the stretch it was captured in; none where it comes from elsewhere. */
  capture(shape: Float64Array, views: readonly View[], us: number): void {
    this.forget();
    this.#captured = shape;
    for (const view of views) this.#gallery.add(view, us);
  }

  /** The operator says that another face is theirs: what was learned of the one before was perhaps not. */
  tap(): void {
    if (!this.#captured) this.forget();
    this.#tapped = { views: [], capture: new Capture(true) };
  }

  /** The operator says that the face was not theirs: nothing that was learned holds. */
  forget(): void {
    this.#gallery.clear();
    this.#learned = null;
    this.#tapped = null;
  }

  /** The face is bound no more, or another is near: who is seen next may be somebody else. */
  interrupt(): void {
    this.#tapped = null;
  }

  /** Whether every picture is wanted for learning the face at rest. */
  get learning(): boolean {
    return this.#tapped !== null && !this.known;
  }

  /**
   * One picture of the performer, alone, bound and without a doubt.
   * @param view where it is a good one. @param newest mean of the newest good views. @param confirmed by a tap or by the shape, in this stretch.
   * @param shapeOf a face at rest's coordinates.
   */
  see(
    { view, newest, confirmed }: { view: View | null; newest: View; confirmed: boolean },
    seen: Seen | null,
    us: number,
    shapeOf: (face: NeutralFace) => Float64Array,
  ): void {
    if (this.learning) this.#learn(view, seen, us, shapeOf);
    else if (view && (confirmed || this.#tapped) && this.match(newest).score >= OWN) this.#gallery.add(view, us);
  }

  match(view: View): Match {
    const atRest = this.#atRest;
    if (!atRest) return { score: Number.NEGATIVE_INFINITY, posed: false };
    const near = this.#gallery.near(view);
    const own = near.length > 0 ? meanView(near) : null;
    const share = near.length / COMPARED;
    const shape = own ? atRest.map((value, k) => value + share * ((own.shape[k] ?? 0) - value)) : atRest;
    const front = Math.max(Math.abs(view.yawDeg), Math.abs(view.pitchDeg)) <= FRONT_DEG;
    const posed = own && 2 * share >= 1 ? apart(own, view) <= MATCH_DEG : front;
    return { score: likeness(this.#model, shape, view.shape), posed };
  }

  #learn(view: View | null, seen: Seen | null, us: number, shapeOf: (face: NeutralFace) => Float64Array): void {
    const tapped = this.#tapped;
    if (!tapped) return;
    if (view && tapped.views.length < TAPPED_VIEWS) tapped.views.push(view);
    const result = tapped.capture.add(seen, us);
    if (typeof result === 'string' || tapped.views.length < TAPPED_VIEWS) return;
    const shape = shapeOf(result);
    if (likeness(this.#model, shape, meanView(tapped.views).shape) < OWN) return;
    this.#learned = shape;
    for (const one of tapped.views) this.#gallery.add(one, us);
  }
}
