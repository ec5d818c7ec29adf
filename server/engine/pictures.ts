import type { Arena } from '../frame/arena.ts';
import { type Colour, chromaSize, type FrameId, i420Bytes, type Picture } from '../frame/frame.ts';

/** Pictures in kernel memory, taken and given back; one owner, the pipeline. */
export class Pictures {
  readonly #arena: Arena;
  #out = 0;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  /** Pictures taken and not yet given back. */
  get out(): number {
    return this.#out;
  }

  take(width: number, height: number, colour: Colour, id: FrameId): Picture {
    const at = this.#arena.allocate(i420Bytes(width, height));
    this.#out++;
    const luma = width * height;
    const chroma = chromaSize(width) * chromaSize(height);
    return {
      at,
      width,
      height,
      colour,
      id,
      format: 'i420',
      planes: [
        this.#arena.bytes(at, luma),
        this.#arena.bytes(at + luma, chroma),
        this.#arena.bytes(at + luma + chroma, chroma),
      ],
    };
  }

  copy(picture: Picture): Picture {
    const twin = this.take(picture.width, picture.height, picture.colour, picture.id);
    const bytes = i420Bytes(picture.width, picture.height);
    this.#arena.bytes(twin.at, bytes).set(this.#arena.bytes(picture.at, bytes));
    return twin;
  }

  give(picture: Picture): void {
    this.#out--;
    this.#arena.release(picture.at, i420Bytes(picture.width, picture.height));
  }
}
