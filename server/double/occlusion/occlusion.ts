import { join } from 'node:path';
import type { Landmarks } from '../../face/types.ts';
import type { Arena } from '../../frame/arena.ts';
import type { Picture } from '../../frame/frame.ts';
import type { Kernels } from '../../frame/kernels.ts';
import type { BoundTensor, Runtime, Session } from '../../inference/session.ts';
import type { ReplacedFace } from '../replacer.ts';
import { cutSquare } from '../square.ts';
import { type Affine, SIZE } from '../surface.ts';
import { CELLS, COLUMNS, ROWS, WINDOW } from './cells.ts';
import { FacePlace, type FaceShape, PLACE_SIZE, readFaceShape } from './face-place.ts';
import { HoleKeeper, type Judgement } from './holes.ts';
import { layerInto, sameCrop } from './leave-out.ts';

type F32 = Float32Array;

/** The square of the crop that is cut out for the network; it takes a part of its columns. */
const CUT = WINDOW.height;

const SHAPES = {
  layer: [1, 4, SIZE, SIZE],
  crop: [1, 3, CUT, CUT],
  place: [1, 4, PLACE_SIZE, PLACE_SIZE],
  hole: [1, 1, WINDOW.height, WINDOW.width],
  cells: [1, 5, ROWS, COLUMNS],
} as const;

/** What of a drawn face is to be left out, over a crop of SIZE² pixels; valid until the next `find`. */
export interface Holes {
  /** WINDOW.height × WINDOW.width: 0 the face is drawn, 1 what stands before it stays. */
  hole: Float32Array;
  /** CELLS: 1 where `hole` counts; elsewhere the face is drawn, whatever `hole` says. */
  open: Uint8Array;
  /** Frame pixel → crop pixel. */
  toCrop: Affine;
}

export interface OcclusionOptions {
  runtime: Runtime;
  arena: Arena;
  kernels: Kernels;
  modelsDir: string;
}

/** Finds hands, hair, spectacles and things before a face, whatever look it wears. One face at a time. */
export class Occlusion {
  readonly #session: Session;
  readonly #tensors: Record<keyof typeof SHAPES, BoundTensor>;
  readonly #arena: Arena;
  readonly #kernels: Kernels;
  readonly #place: FacePlace;
  readonly #keeper: HoleKeeper;
  #closed = false;

  private constructor({ arena, kernels }: OcclusionOptions, session: Session, shape: FaceShape) {
    this.#session = session;
    this.#tensors = checked(session);
    this.#arena = arena;
    this.#kernels = kernels;
    this.#place = new FacePlace(shape, arena, kernels);
    this.#keeper = new HoleKeeper(shape);
  }

  /** @throws Error with a sentence when the network or the face mesh is missing or damaged. */
  static async open(options: OcclusionOptions): Promise<Occlusion> {
    const { runtime, arena, modelsDir } = options;
    const shape = readFaceShape(modelsDir);
    const session = await runtime.load(join(modelsDir, 'occlusion', 'occlusion.onnx'), arena);
    try {
      const opened = new Occlusion(options, session, shape);
      await session.run();
      return opened;
    } catch (error) {
      session.close();
      throw error;
    }
  }

  /**
   * What of a face that was drawn, all of it still, is to be left out. Null where nothing stands before it, or that cannot be told from the
   * performer's own face; null too where it was not covered but changed.
   */
  async find(picture: Picture, landmarks: Landmarks, trackId: number, drawn: ReplacedFace): Promise<Holes | null> {
    if (drawn.how !== 'cover') return null;
    const { layer, crop, place, hole, cells } = this.#tensors;
    const placed = this.#place.draw(landmarks, place.at);
    cutSquare(this.#kernels, picture, middleOf(placed.toCrop), CUT, crop.at);
    const { size, toCrop } = drawn;
    const values = this.#arena.floats(drawn.at, 4 * size * size);
    if (size === SIZE && sameCrop(toCrop, placed.toCrop)) layer.data.set(values);
    else layerInto(values, size, toCrop, placed.toCrop, layer.data);
    await this.#session.run();
    const plane = (k: number): Float32Array => cells.data.subarray(k * CELLS, (k + 1) * CELLS);
    const [means, rim, luma, shown, alpha] = [0, 1, 2, 3, 4].map(plane) as [F32, F32, F32, F32, F32];
    const { captureUs } = picture.id;
    const face = { trackId, captureUs, landmarks, ...placed };
    const open = this.#keeper.judge({ ...face, hole: means, rim, luma, drawn: shown, alpha });
    return open && { hole: hole.data, open, toCrop: placed.toCrop };
  }

  /** How the last face was judged, for measuring. */
  get judged(): Judgement | null {
    return this.#keeper.last;
  }

  /** Forgets the face of a track that has ended. */
  forget(trackId: number): void {
    this.#keeper.forget(trackId);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#session.close();
    this.#place.close();
  }
}

/** The crop's middle, whose first pixel is the crop's (WINDOW.top, WINDOW.top). */
const middleOf = ([a, b, c, d, e, f]: Affine): Affine => [a, b, c - WINDOW.top, d, e, f - WINDOW.top];

function checked({ inputs, outputs }: Session): Record<keyof typeof SHAPES, BoundTensor> {
  const all = { ...inputs, ...outputs };
  for (const [name, dims] of Object.entries(SHAPES)) {
    if (all[name]?.dims.join('×') === dims.join('×')) continue;
    throw new Error(
      'The network models/occlusion/occlusion.onnx is not of this version: restore it, for example with `git checkout`.',
    );
  }
  return all as Record<keyof typeof SHAPES, BoundTensor>;
}
