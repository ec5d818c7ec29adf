import { setImmediate } from 'node:timers/promises';

/**
 * Kernel memory: one block that SIMD kernels, pictures and the networks' tensors share, so that nothing is copied between them.
 * It is reserved once and never grows, because growing would detach every view of it. Untouched pages cost no RAM.
 * Blocks that were given back are used again at the same size first; when the end is reached, neighbours are joined, so that a
 * camera that keeps changing its size does not fill it.
 */
const PAGE = 65536;
const ALIGN = 64;
/** Of the operating system: the smallest anywhere. */
const OS_PAGE = 4096;
const SETTLED_AT_ONCE = 1 << 18;

export class Arena {
  readonly memory: WebAssembly.Memory;
  #top: number;
  readonly #free = new Map<number, number[]>();
  /** From the top up to here every page has been written to. */
  #settled: number;

  /** @param megabytes address space to reserve, 1–4095. */
  constructor(megabytes: number) {
    const pages = Math.ceil((megabytes * 1024 * 1024) / PAGE);
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    // The first page is left to the kernels' own statics.
    this.#top = 16 * PAGE;
    this.#settled = this.#top;
  }

  /**
   * Has the system put memory behind the next `bytes` that are free, a little at a time: it does so page by page when they are first
   * written to, and the pictures of a feed that puts on another look would wait for it.
   */
  async settle(bytes: number): Promise<void> {
    const values = new Uint8Array(this.memory.buffer);
    // What was given back has been used before.
    const free = [...this.#free].reduce((sum, [size, list]) => sum + size * list.length, 0);
    const until = Math.min(this.#top + roundUp(Math.max(0, bytes - free)), values.length);
    while (this.#settled < until) {
      const from = Math.max(this.#settled, this.#top);
      const to = Math.min(from + SETTLED_AT_ONCE, until);
      for (let at = from; at < to; at += OS_PAGE) values[at] = 0;
      this.#settled = Math.max(this.#settled, to);
      await setImmediate();
    }
  }

  /** Reserves `bytes`, aligned to 64. Returns the byte offset. Throws when the arena is full. */
  allocate(bytes: number): number {
    const size = roundUp(bytes);
    const reused = this.#free.get(size)?.pop() ?? this.#extend(size) ?? this.#join(size);
    if (reused === null) {
      throw new Error(
        `Kernel memory is full: ${size} bytes more do not fit in ${this.memory.buffer.byteLength}. Lower the number of faces or the picture size of this feed.`,
      );
    }
    return reused;
  }

  #extend(size: number): number | null {
    const at = this.#top;
    if (at + size > this.memory.buffer.byteLength) return null;
    this.#top = at + size;
    return at;
  }

  /** Joins free neighbours and takes the first place that is large enough. Rare: only when the end has been reached. */
  #join(size: number): number | null {
    const blocks = [...this.#free].flatMap(([bytes, list]) => list.map((at) => ({ at, bytes })));
    blocks.sort((a, b) => a.at - b.at);
    const joined: typeof blocks = [];
    for (const block of blocks) {
      const before = joined.at(-1);
      if (before && before.at + before.bytes === block.at) before.bytes += block.bytes;
      else joined.push(block);
    }
    const last = joined.at(-1);
    if (last && last.at + last.bytes === this.#top) {
      this.#top = last.at;
      joined.pop();
    }
    this.#free.clear();
    const found = joined.find(({ bytes }) => bytes >= size);
    for (const { at, bytes } of joined) {
      if (found?.at !== at) this.release(at, bytes);
      else if (bytes > size) this.release(at + size, bytes - size);
    }
    return found?.at ?? this.#extend(size);
  }

  /** Gives a block back for a later allocation. */
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
