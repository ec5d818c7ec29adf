import { fileURLToPath } from 'node:url';
import type { Arena } from '../frame/arena.ts';
import type { BoundTensor, Runtime, Session } from '../inference/session.ts';
import { bundledTensors } from './bundled.ts';
import { EYE, EYES } from './parts.ts';

export const EYES_OPEN = fileURLToPath(new URL('../../models/eyes/eyes-open.onnx', import.meta.url));

/** What scripts/double/build-eyes-open.ts builds. */
export const SHAPES = { performer: [EYES, 3, ...EYE], open: [EYES, 1, 1, 1] } as const;

/**
 * Says of a performer's eyes whether they are open, by their pixels. Landmarks leave the lids of a shut eye apart, on dark skin in little light as far as
 * those of an open one, and what is painted between them would stand on a lid.
 */
export class EyesOpen {
  readonly #session: Session;
  readonly #tensors: Record<keyof typeof SHAPES, BoundTensor>;

  private constructor(session: Session) {
    this.#session = session;
    this.#tensors = bundledTensors(session, 'eyes/eyes-open.onnx', SHAPES);
  }

  /** @throws Error with a sentence when the network is missing or damaged. */
  static async open(runtime: Runtime, arena: Arena): Promise<EyesOpen> {
    const session = await runtime.load(EYES_OPEN, arena);
    try {
      const opened = new EyesOpen(session);
      await session.run();
      return opened;
    } catch (error) {
      session.close();
      throw error;
    }
  }

  /**
   * Answers 0, shut, to 1, open, of each eye; valid until the next. @param eyes planes R, G, B of EYE, 0–1, of the eye that is left on screen where the
   * performer faces the camera, and of the other: in the middle of the part, a little below.
   */
  async look(eyes: readonly Float32Array[]): Promise<Float32Array> {
    const { performer, open } = this.#tensors;
    for (const [k, eye] of eyes.entries()) performer.data.set(eye, k * eye.length);
    await this.#session.run();
    return open.data;
  }

  close(): void {
    this.#session.close();
  }
}
