import { join } from 'node:path';
import type { Landmarks } from '../../face/types.ts';
import type { Arena } from '../../frame/arena.ts';
import type { Picture } from '../../frame/frame.ts';
import type { Kernels } from '../../frame/kernels.ts';
import type { BoundTensor, Runtime, Session } from '../../inference/session.ts';
import { bundledTensors } from '../bundled.ts';
import type { ReplacedFace } from '../replacer.ts';
import { type Affine, cutPlate } from '../surface.ts';
import { CELLS, COLUMNS, FINE, ROWS, WINDOW } from './cells.ts';
import { FacePlace, type FaceShape, PLACE_SIZE, readFaceShape } from './face-place.ts';
import { HoleKeeper, type Judgement } from './holes.ts';
import { drawnFace } from './leave-out.ts';

type F32 = Float32Array;

/** What of the crop, at half its size, the network looks at; from left to right multiples of 4. */
const PART = [
  WINDOW.left / FINE,
  WINDOW.top / FINE,
  (WINDOW.left + WINDOW.width) / FINE,
  (WINDOW.top + WINDOW.height) / FINE,
] as const;

const SHAPES = {
  crop: [1, 3, PLACE_SIZE, PLACE_SIZE],
  place: [1, 4, PLACE_SIZE, PLACE_SIZE],
  hole: [1, 1, WINDOW.height / FINE, WINDOW.width / FINE],
  cells: [1, 5, ROWS, COLUMNS],
} as const;

/** What of a drawn face is to be left out, over a crop of SIZE² pixels; valid until the next `look`. */
export interface Holes {
  /** WINDOW.height / FINE × WINDOW.width / FINE: 0 the face is drawn, 1 what stands before it stays. */
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
    this.#tensors = bundledTensors(session, 'occlusion/occlusion.onnx', SHAPES);
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
   * Looks at a face, beside whatever is drawn over it meanwhile; one face at a time. Answers what tells, of the drawn face, all of it still, what
   * is to be left out. Null where nothing stands before it, or that cannot be told from the performer's own face.
   */
  async look(picture: Picture, landmarks: Landmarks, trackId: number): Promise<(drawn: ReplacedFace) => Holes | null> {
    const { crop, place, hole, cells } = this.#tensors;
    const placed = this.#place.draw(landmarks, place.at);
    cutPlate(this.#kernels, picture, placed.toCrop, PLACE_SIZE, crop.at, PART);
    const { captureUs } = picture.id;
    await this.#session.run();
    return (drawn) => {
      const [means, rim, r, g, b] = [0, 1, 2, 3, 4].map((k) => cells.data.subarray(k * CELLS, (k + 1) * CELLS)) as [
        F32,
        F32,
        F32,
        F32,
        F32,
      ];
      const face = { trackId, captureUs, landmarks, ...placed, drawn: drawnFace(drawn, this.#arena) };
      const open = this.#keeper.judge({ ...face, hole: means, fine: hole.data, rim, plate: [r, g, b] });
      return open && { hole: hole.data, open, toCrop: placed.toCrop };
    };
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
