import { detailTexture, type Maps } from './maps.ts';
import { openMeters } from './mesh-inputs.ts';
import type { OpenOptions } from './open.ts';
import { Painter } from './painter.ts';
import { fitPose } from './pose.ts';
import type { FaceInput } from './replacer.ts';
import { CROP_SCALE } from './surface.ts';
import type { Template } from './template.ts';

/** Frame pixels a crop pixel from which on a face is painted in more detail, and below which no longer: about 300 pixels of face height. */
const CLOSE = 1.55;
const FAR = 1.4;

/** Of kernel memory that a painter of close-ups takes beside its texture: see Painter, MeshInputs and Surface. */
const CLOSE_BYTES = 42 << 20;

/**
 * A double's painters: one for faces of usual size, and one with four times the pixels for close-ups. That one takes much memory: it is opened
 * beside the first close-up's pictures, which the usual one paints until then. Both remember the same light. Owns them.
 */
export class Painters {
  readonly #usual: Painter;
  readonly #openClose: () => Promise<Painter>;
  readonly #template: Template;
  readonly #closeUps: boolean;
  #close: Painter | null = null;
  #wanted = false;
  #closed = false;
  readonly #near = new Set<number>();

  /** @throws Error with a sentence where the template has no guide. */
  constructor(options: OpenOptions, template: Template, maps: Maps) {
    const meters = openMeters(options, template);
    this.#template = template;
    this.#closeUps = options.closeUps ?? false;
    this.#usual = new Painter(options, template, maps, { meters });
    const { detail } = maps;
    this.#openClose = async () => {
      const finer = detail ? { ...maps, texture: await detailTexture(detail.bytes), side: detail.side } : maps;
      await options.arena.settle(CLOSE_BYTES + finer.texture.byteLength);
      return new Painter(options, template, finer, { detail: 2, meters });
    };
  }

  /** The one for this face, as large as it is now; it stays with a face whose size wavers. */
  of({ landmarks, trackId }: FaceInput): Painter {
    const { canonical, rigid } = this.#template;
    const enlarged = fitPose(canonical, landmarks.points, rigid).scale / CROP_SCALE;
    const near = enlarged > (this.#near.has(trackId) ? FAR : CLOSE);
    if (!near || !this.#closeUps) {
      this.#near.delete(trackId);
      return this.#usual;
    }
    this.#near.add(trackId);
    if (!this.#wanted) void this.#open();
    return this.#close ?? this.#usual;
  }

  async #open(): Promise<void> {
    this.#wanted = true;
    try {
      const close = await this.#openClose();
      if (this.#closed) close.close();
      else this.#close = close;
    } catch {
      // There is no room for it: close-ups are painted as other faces are.
    }
  }

  /** Kernel memory that goes with the painters. */
  reserve(bytes: number): number {
    return this.#usual.reserve(bytes);
  }

  forget(trackId: number): void {
    this.#near.delete(trackId);
    this.#usual.forget(trackId);
  }

  close(): void {
    this.#closed = true;
    this.#usual.close();
    this.#close?.close();
    this.#close = null;
  }
}
