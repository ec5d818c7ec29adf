/**
 * Kernel memory: one block that SIMD kernels, pictures and the networks' tensors share, so that nothing is copied between them.
 * It is reserved once and never grows, because growing would detach every view of it. Untouched pages cost no RAM.
 * Only the front part can be given back (pictures change size); tensors live as long as the engine.
 */
const PAGE = 65536;
const ALIGN = 64;

export class Arena {
  readonly memory: WebAssembly.Memory;
  #top: number;
  readonly #free = new Map<number, number[]>();

  /** @param megabytes address space to reserve, 1–4095. */
  constructor(megabytes: number) {
    const pages = Math.ceil((megabytes * 1024 * 1024) / PAGE);
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    // The first page is left to the kernels' own statics.
    this.#top = 16 * PAGE;
  }

  /** Reserves `bytes`, aligned to 64. Returns the byte offset. Throws when the arena is full. */
  allocate(bytes: number): number {
    const size = roundUp(bytes);
    const reused = this.#free.get(size)?.pop();
    if (reused !== undefined) return reused;
    const at = this.#top;
    if (at + size > this.memory.buffer.byteLength) {
      throw new Error(
        `Kernel memory is full: ${size} bytes more do not fit in ${this.memory.buffer.byteLength}. Lower the number of faces or the picture size of this feed.`,
      );
    }
    this.#top = at + size;
    return at;
  }

  /** Gives a block back for a later allocation of the same size. */
  release(at: number, bytes: number): void {
    const size = roundUp(bytes);
    const list = this.#free.get(size) ?? [];
    list.push(at);
    this.#free.set(size, list);
  }

  bytes(at: number, length: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, at, length);
  }

  floats(at: number, length: number): Float32Array {
    return new Float32Array(this.memory.buffer, at, length);
  }

  ints(at: number, length: number): Int32Array {
    return new Int32Array(this.memory.buffer, at, length);
  }
}

const roundUp = (bytes: number): number => Math.ceil(bytes / ALIGN) * ALIGN;
