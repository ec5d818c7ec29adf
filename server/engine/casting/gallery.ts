/** One good view of a face: its coordinates along the shape model's directions (shape.ts), and how it was turned, degrees. */
export interface View {
  shape: Float64Array;
  yawDeg: number;
  pitchDeg: number;
}

/** Views are kept by pose, in cells so wide. */
const CELL_DEG = 4;
/** Of each cell so many; when it is full, the oldest gives way every half second: neighbouring pictures say the same. */
const CELL_VIEWS = 10;
const RENEW_US = 500_000;
/** Views whose mean is compared. Fewer are nearer in pose and vary more: 15 brought a stranger from 5.5 to 6.6 nats, 60 lost three returns. */
export const COMPARED = 30;

/**
 * How a performer has looked while it was certain that it was them, by pose. Landmarks that are turned back onto the head still creep with
 * the pose, each face's in its own way: a face is best compared with itself in the same pose (server/docs/decisions/identity.md).
 */
export class Gallery {
  readonly #cells = new Map<string, { views: View[]; next: number; us: number }>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(view: View, us: number): void {
    const key = `${Math.round(view.yawDeg / CELL_DEG)} ${Math.round(view.pitchDeg / CELL_DEG)}`;
    const cell = this.#cells.get(key) ?? { views: [], next: 0, us };
    this.#cells.set(key, cell);
    if (cell.views.length < CELL_VIEWS) {
      cell.views.push(view);
      this.#size++;
    } else if (Math.abs(us - cell.us) >= RENEW_US) {
      cell.views[cell.next] = view;
      cell.next = (cell.next + 1) % CELL_VIEWS;
    } else return;
    cell.us = us;
  }

  clear(): void {
    this.#cells.clear();
    this.#size = 0;
  }

  /** The views nearest to a pose, at most COMPARED. */
  near(pose: Pick<View, 'yawDeg' | 'pitchDeg'>): View[] {
    const cells = [...this.#cells.values()].map(({ views }) => ({ views, away: apart(views[0] ?? pose, pose) }));
    const near: View[] = [];
    for (const { views } of cells.sort((a, b) => a.away - b.away)) {
      near.push(...views);
      if (near.length >= 2 * COMPARED) break;
    }
    return near.sort((a, b) => apart(a, pose) - apart(b, pose)).slice(0, COMPARED);
  }
}

/** Degrees. */
export const apart = (a: Pick<View, 'yawDeg' | 'pitchDeg'>, b: Pick<View, 'yawDeg' | 'pitchDeg'>): number =>
  Math.hypot(a.yawDeg - b.yawDeg, a.pitchDeg - b.pitchDeg);

/** Of at least one view. */
export function meanView(views: readonly View[]): View {
  const mean = (of: (view: View) => number): number => views.reduce((sum, view) => sum + of(view), 0) / views.length;
  return {
    shape: (views[0]?.shape ?? new Float64Array()).map((_, k) => mean(({ shape }) => shape[k] ?? 0)),
    yawDeg: mean(({ yawDeg }) => yawDeg),
    pitchDeg: mean(({ pitchDeg }) => pitchDeg),
  };
}
