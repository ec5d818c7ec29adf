import { join } from 'node:path';
import { cropOfLandmarks } from '../../server/face/crop.ts';
import { Landmarker } from '../../server/face/landmarker.ts';
import { Pyramid } from '../../server/face/pyramid.ts';
import type { Crop } from '../../server/face/types.ts';
import type { Arena } from '../../server/frame/arena.ts';
import type { Picture } from '../../server/frame/frame.ts';
import type { Kernels } from '../../server/frame/kernels.ts';
import type { Runtime, Session } from '../../server/inference/session.ts';

const PRESENCE = 0.5;

/**
 * Reads one face's landmarks in several videos of the same performance, each followed by itself as the engine follows a
 * face (crop around its own last landmarks) but not smoothed: smoothing would hide shimmer and add lag of its own.
 */
export class FaceReader {
  readonly #landmarker: Landmarker;
  readonly #pyramid: Pyramid;
  readonly #close: () => void;
  readonly #crops = new Map<string, Crop>();

  static async open(parts: {
    runtime: Runtime;
    arena: Arena;
    kernels: Kernels;
    modelsDir: string;
  }): Promise<FaceReader> {
    const file = join(parts.modelsDir, 'perception', 'face-landmarks-478.onnx');
    return new FaceReader(parts, await parts.runtime.load(file, parts.arena));
  }

  private constructor(parts: { arena: Arena; kernels: Kernels }, session: Session) {
    this.#landmarker = new Landmarker(session);
    this.#pyramid = new Pyramid(parts.arena, parts.kernels);
    this.#close = () => {
      session.close();
      this.#pyramid.close();
    };
  }

  /**
   * 478 × (x, y, z) in frame pixels, or null where no face is.
   * @param video whose face it is to follow. @param about landmarks of the face in any of the videos, to begin with.
   */
  async read(video: string, picture: Picture, about: Float32Array): Promise<Float32Array | null> {
    this.#pyramid.use(picture);
    let crop = this.#crops.get(video);
    if (!crop) {
      const first = await this.#landmarker.read(this.#pyramid, cropOfLandmarks(about));
      crop = cropOfLandmarks(first.points);
    }
    const { points, presence } = await this.#landmarker.read(this.#pyramid, crop);
    if (!(presence >= PRESENCE) || !points.every(Number.isFinite)) {
      this.#crops.delete(video);
      return null;
    }
    this.#crops.set(video, cropOfLandmarks(points));
    return points;
  }

  /** The picture that was read last. */
  get looked(): Pick<Pyramid, 'cut'> {
    return this.#pyramid;
  }

  /** The face was gone for a while, or this is another clip: begins anew. */
  forget(): void {
    this.#crops.clear();
  }

  close(): void {
    this.#close();
  }
}
