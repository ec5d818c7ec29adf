import { once } from 'node:events';
import { createWriteStream, rmSync, type WriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import sharp from 'sharp';
import type { Picture } from '../../server/frame/frame.ts';
import { encodeClip } from '../performer/encode.ts';
import { rgbToI420 } from '../performer/yuv.ts';
import { type Area, rgbOf, whole } from './rgb.ts';

const TILE = 400;
const SECONDS = 10;

/** A clip of plate | program (| truth), the face of each, ten seconds long at most, with an equal part of every take. One owner: `write` or `close` ends it. */
export class SideBySide {
  readonly #file: string;
  readonly #raw: string;
  readonly #fps: number;
  #out: WriteStream | null = null;
  readonly #part: number;
  #frames = 0;
  /** Of this take. */
  #taken = 0;
  #tiles = 0;
  #last: Area | null = null;

  /** @param file the MP4 to be written; beside it raw pictures wait until then. @param takes how many will be shown. */
  constructor(file: string, fps: number, takes: number) {
    this.#file = file;
    this.#raw = `${file}.raw`;
    this.#fps = Math.round(fps);
    this.#part = Math.ceil((SECONDS * this.#fps) / Math.max(1, takes));
  }

  /** @param face where the face is; null: where it was last. Takes with fewer sides than the first show their last side twice. */
  async add(sides: readonly Picture[], face: Area | null): Promise<void> {
    this.#last = steady(face, this.#last);
    const area = this.#last;
    if (!area || this.#taken >= this.#part) return;
    this.#tiles ||= sides.length;
    const shown = Array.from({ length: this.#tiles }, (_, k) => sides[Math.min(k, sides.length - 1)]!);
    const tiles = await Promise.all(shown.map((picture) => tile(picture, area)));
    const width = this.#tiles * TILE;
    const rgb = new Float32Array(3 * width * TILE);
    for (const [k, one] of tiles.entries())
      for (let y = 0; y < TILE; y++)
        rgb.set(one.subarray(3 * y * TILE, 3 * (y + 1) * TILE), 3 * (y * width + k * TILE));
    this.#out ??= createWriteStream(this.#raw);
    if (!this.#out.write(rgbToI420(rgb, width, TILE))) await once(this.#out, 'drain');
    this.#frames++;
    this.#taken++;
  }

  /** Another take begins: the camera jumps to its face. */
  cut(): void {
    this.#last = null;
    this.#taken = 0;
  }

  async write(): Promise<void> {
    if (!this.#out) return;
    const out = this.#out;
    out.end();
    await once(out, 'close');
    const [width, height] = [this.#tiles * TILE, TILE];
    try {
      const pictures = chunks(this.#raw, (width * height * 3) / 2, this.#frames);
      await encodeClip(this.#file, pictures, { width, height, fps: this.#fps, crf: 18 });
    } finally {
      this.close();
    }
  }

  close(): void {
    this.#out?.destroy();
    this.#out = null;
    rmSync(this.#raw, { force: true });
  }
}

/** A camera that follows without trembling: it moves a tenth of the way, and at once when it has none. */
function steady(to: Area | null, from: Area | null): Area | null {
  if (!to || !from) return to ?? from;
  return to.map((value, k) => from[k]! + 0.1 * (value - from[k]!)) as unknown as Area;
}

async function tile(picture: Picture, area: Area): Promise<Buffer> {
  const [, , width, height] = whole(area);
  return sharp(rgbOf(picture, whole(area)), { raw: { width, height, channels: 3 } })
    .resize(TILE, TILE, { fit: 'fill' })
    .raw()
    .toBuffer();
}

async function* chunks(path: string, bytes: number, count: number): AsyncGenerator<Buffer> {
  const file = await open(path);
  try {
    for (let k = 0; k < count; k++) {
      const chunk = Buffer.alloc(bytes);
      await file.read(chunk, 0, bytes, k * bytes);
      yield chunk;
    }
  } finally {
    await file.close();
  }
}
