/**
 * Is the face in a program picture the performer's own? The clip is known, and where its face stands: the face is looked at as a grid of
 * mean values, which coding hardly moves and another face does. What coding moves is measured with the product's own encoder.
 */
import { Decoder } from '../../server/engine/decoder.ts';
import { Encoder } from '../../server/engine/encoder.ts';
import { Pictures } from '../../server/engine/pictures.ts';
import { Arena } from '../../server/frame/arena.ts';
import type { CodedFrame } from '../../server/frame/coded.ts';
import type { Picture } from '../../server/frame/frame.ts';
import { readLabels } from '../eval/labels.ts';
import { DEMO_CLIP } from './clip.ts';
import { readCounter } from './counter.ts';

const COLUMNS = 24;
const ROWS = 32;
/** Of the labelled box: the middle, from the brows to the chin, without hair and background. */
const INNER = { x: 0.18, y: 0.05, w: 0.64, h: 0.85 };
/** A face this much further from the plate's than coding has ever moved it is another one. */
const NOISE_MARGIN = 1.5;

interface Share {
  x: number;
  y: number;
  w: number;
  h: number;
}

export interface Seen {
  /** Number of the clip's frame; null where none can be read: the slate. */
  counter: number | null;
  /** Mean distance of the face from the plate's, 0–255 luma. */
  difference: number;
  raw: boolean;
}

/** Where the demo performer's face stands in each frame, in shares of the picture. */
function demoFaces(): Share[] {
  const labels = readLabels(DEMO_CLIP);
  if (!labels) throw new Error('The labels of the demo clip are missing (models/demo/demo.faces.json).');
  const [width, height] = [Number(labels.width), Number(labels.height)];
  return labels.faces.map(([face]) => {
    if (!face) throw new Error('A frame of the demo clip has no labelled face.');
    const [x, y, w, h] = face.box;
    return {
      x: (x + INNER.x * w) / width,
      y: (y + INNER.y * h) / height,
      w: (INNER.w * w) / width,
      h: (INNER.h * h) / height,
    };
  });
}

/** Mean luma of each cell of a grid over a part of the picture. */
function gridOf({ planes: [luma], width, height }: Picture, part: Share): Float32Array {
  const grid = new Float32Array(COLUMNS * ROWS);
  const edge = (from: number, size: number, share: number, cells: number, cell: number): number =>
    Math.round((from + (share * cell) / cells) * size);
  for (let cell = 0; cell < grid.length; cell++) {
    const [column, row] = [cell % COLUMNS, Math.floor(cell / COLUMNS)];
    const [left, top] = [edge(part.x, width, part.w, COLUMNS, column), edge(part.y, height, part.h, ROWS, row)];
    const right = Math.max(left + 1, edge(part.x, width, part.w, COLUMNS, column + 1));
    const bottom = Math.max(top + 1, edge(part.y, height, part.h, ROWS, row + 1));
    let sum = 0;
    for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) sum += luma[y * width + x] ?? 0;
    grid[cell] = sum / ((right - left) * (bottom - top));
  }
  return grid;
}

function distance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs((a[i] ?? 0) - (b[i] ?? 0));
  return sum / a.length;
}

export class FaceWatch {
  /** A face that is not further than this from the plate's is raw. */
  readonly limit: number;
  readonly #faces: Share[];
  readonly #plates: Float32Array[];

  private constructor(faces: Share[], plates: Float32Array[], limit: number) {
    this.#faces = faces;
    this.#plates = plates;
    this.limit = limit;
  }

  /** Learns the clip's own face, and what the product's encoder makes of it at `bitrate`. The clip is the demo clip from its beginning. */
  static async learn(clip: readonly CodedFrame[], bitrate: number): Promise<FaceWatch> {
    const faces = demoFaces();
    const pictures = new Pictures(new Arena(128));
    const [camera, program] = [new Decoder(pictures, 'plate'), new Decoder(pictures, 'again')];
    const encoder = new Encoder({ bitrate, threads: 1 });
    const plates: Float32Array[] = [];
    let noise = 0;
    try {
      for (const [index, coded] of clip.entries()) {
        const part = faces[index] as Share;
        const first = await camera.decode(coded);
        if (!('picture' in first)) throw new Error(first.why);
        const plate = gridOf(first.picture, part);
        plates.push(plate);
        const second = await program.decode(await encoder.encode(first.picture));
        pictures.give(first.picture);
        if (!('picture' in second)) throw new Error(second.why);
        noise = Math.max(noise, distance(plate, gridOf(second.picture, part)));
        pictures.give(second.picture);
      }
    } finally {
      encoder.close();
      camera.close();
      program.close();
    }
    return new FaceWatch(faces, plates, noise * NOISE_MARGIN);
  }

  look(picture: Picture): Seen {
    const counter = readCounter(picture.planes[0], picture.width, picture.width);
    const known = counter !== null && counter < this.#plates.length;
    // Without a number a raw face could be that of any frame.
    const difference = known
      ? this.#distance(picture, counter)
      : Math.min(...this.#plates.map((_, index) => this.#distance(picture, index)));
    return { counter: known ? counter : null, difference, raw: difference <= this.limit };
  }

  #distance(picture: Picture, index: number): number {
    return distance(gridOf(picture, this.#faces[index] as Share), this.#plates[index] as Float32Array);
  }
}
