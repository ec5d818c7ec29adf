import * as av from 'node-av';

/**
 * A frame with picture memory of its own, whose planes are asked for once. Each time they are asked for, node-av makes new buffers around a
 * whole picture, which V8 counts as if they had been allocated: at 720p that was a full collection of 5 ms every fourth picture.
 */
export class OwnFrame {
  readonly frame = new av.Frame();
  readonly width: number;
  readonly height: number;
  readonly format: av.AVPixelFormat;
  #planes: readonly Uint8Array[];
  #strides: readonly number[];

  /** @throws Error with a sentence where there is no memory for it. */
  constructor(format: av.AVPixelFormat, width: number, height: number) {
    this.format = format;
    this.width = width;
    this.height = height;
    this.frame.alloc();
    this.frame.format = format;
    this.frame.width = width;
    this.frame.height = height;
    const got = this.frame.getBuffer();
    if (got < 0) {
      this.frame.free();
      throw new Error(
        `There is no memory for a picture of ${width} × ${height} (FFmpeg error ${got}). Stop other programs, or choose a smaller size.`,
      );
    }
    this.#planes = this.frame.data ?? [];
    this.#strides = this.frame.linesize;
  }

  /** Its planes, to be read or written, `strides` bytes a row. Another user of the same memory, an encoder that looks back, keeps what it has. */
  planes(): { planes: readonly Uint8Array[]; strides: readonly number[] } {
    if (!this.frame.isWritable) {
      this.frame.makeWritable();
      this.#planes = this.frame.data ?? [];
      this.#strides = this.frame.linesize;
    }
    return { planes: this.#planes, strides: this.#strides };
  }

  close(): void {
    this.#planes = [];
    this.frame.free();
  }
}
