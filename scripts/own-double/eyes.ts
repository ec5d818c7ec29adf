import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LEARNED } from '../../server/double/learned.ts';
import { readManifest } from '../../server/double/manifest.ts';
import { decodeMaps } from '../../server/double/maps.ts';
import { Painter } from '../../server/double/painter.ts';
import { SIZE, WINDOW } from '../../server/double/surface.ts';
import { readTemplate, type Template } from '../../server/double/template.ts';
import type { Landmarks } from '../../server/face/types.ts';
import type { Picture } from '../../server/frame/frame.ts';
import type { BoundTensor, Session } from '../../server/inference/session.ts';
import type { Expression } from '../eval/face-signals.ts';
import type { FaceMesh } from '../models/face-mesh.ts';
import { random } from '../performer/vec.ts';
import { rgbToI420 } from '../performer/yuv.ts';
import { otherEyes } from './irises.ts';
import { type LastLayer, lastLayerOf } from './last-layer.ts';
import { type Observer, PLANE, type Sight } from './observe.ts';
import type { Progress } from './progress.ts';
import { Ridge } from './ridge.ts';

const STEP = 4;
const [ROWS, COLUMNS] = [WINDOW.height / STEP, WINDOW.width / STEP];
/** Faces that the eyes are learned from, and how many other people's eyes each is given. */
const MOST = 36;
const OTHERS = 4;
const FEWEST = 6;
const MOST_TURNED = 35;
/** Every fourth face is not learned from: it tells whether anything was learned. */
const HELD_OUT = 4;
/** How much what lies beside the eyes counts, where nothing may change; every such cell in so many is looked at. */
const STAY = 1.5;
const STAY_EVERY = 8;
const HOLD = 8e-3;
/** Less gained than this share of the error, and the network stays as it was. */
const LEAST_GAIN = 0.05;

export interface Eyes {
  model: Uint8Array;
  /** Mean error of the eyes' colour in faces that were not learned from, code values: with the network as it was, and now. */
  before: number;
  after: number;
}

/**
 * A network that many share draws everybody's eyes alike. Its last layer is fitted to this person's: their faces are drawn as if others with
 * eyes of other colours wore them, and the layer is to make their own of those, and to change nothing beside the eyes. Least squares, no
 * training: seconds.
 * @param dir the double's folder, complete, with the network that many share.
 * @returns null where too few open eyes were seen, the network has no such layer, or nothing is gained.
 */
export async function fitEyes(
  dir: string,
  sights: readonly Sight[],
  rest: Expression,
  mesh: FaceMesh,
  observer: Observer,
  progress: Progress,
): Promise<Eyes | null> {
  const { model, maps } = readManifest(dir);
  const layer = lastLayerOf(readFileSync(join(dir, model.file)), ROWS, COLUMNS);
  const chosen = openEyes(sights, rest);
  if (!layer || !maps || chosen.length < FEWEST) return null;
  const template = readTemplate(readFileSync(join(dir, 'mesh.json')), 'mesh.json');
  const decoded = decodeMaps(readFileSync(join(dir, maps.file)), maps.side, maps.normalSide, maps.file);
  const painter = new Painter({ ...observer, dir }, template, decoded);
  const temporary = mkdtempSync(join(tmpdir(), 'understudy-eyes-'));
  try {
    writeFileSync(join(temporary, 'opened.onnx'), layer.opened);
    const session = await observer.runtime.load(join(temporary, 'opened.onnx'), observer.arena);
    try {
      const looker = new Looker(observer, painter, session, template, layer);
      return await learned(looker, layer, chosen, mesh, progress);
    } finally {
      session.close();
    }
  } finally {
    painter.close();
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** Open and not turned far, the largest first. */
function openEyes(sights: readonly Sight[], rest: Expression): Sight[] {
  return sights
    .filter(({ yaw, expression }) => Math.abs(yaw) < MOST_TURNED && expression.blink < rest.blink + 0.05)
    .toSorted((a, b) => b.faceHeight - a.faceHeight)
    .slice(0, 3 * MOST)
    .filter((_, i, all) => i % Math.ceil(all.length / MOST) === 0);
}

async function learned(
  looker: Looker,
  layer: LastLayer,
  sights: readonly Sight[],
  mesh: FaceMesh,
  progress: Progress,
): Promise<Eyes | null> {
  const size = layer.channels * layer.kernel ** 2 + 1;
  const ridge = new Ridge(size, 3);
  const next = random(1);
  const tested: { row: Float32Array; off: readonly number[] }[] = [];
  for (const [i, sight] of sights.entries()) {
    for (let other = 0; other < OTHERS; other++) {
      const test = i % HELD_OUT === HELD_OUT - 1;
      await looker.look(sight, otherEyes(sight, mesh, next), mesh, (row, off, inEye) => {
        if (!test) ridge.add(row, off, inEye > 0 ? inEye : STAY);
        else if (inEye > 0.5) tested.push({ row: row.slice(), off: [...off] });
      });
    }
    progress.tell('learning the eyes', (i + 1) / sights.length);
  }
  const change = ridge.solve(HOLD);
  const error = (share: number): number => {
    let sum = 0;
    for (const { row, off } of tested)
      for (let c = 0; c < 3; c++) {
        let moved = 0;
        if (share > 0) for (let k = 0; k < size; k++) moved += change[c * size + k]! * row[k]!;
        sum += Math.abs(off[c]! - moved);
      }
    return (255 * sum) / Math.max(1, 3 * tested.length);
  };
  const [before, after] = [error(0), error(1)];
  if (!(after < (1 - LEAST_GAIN) * before)) return null;
  const weight = new Float64Array(3 * (size - 1));
  for (let c = 0; c < 3; c++) weight.set(change.subarray(c * size, (c + 1) * size - 1), c * (size - 1));
  const bias = [0, 1, 2].map((c) => change[(c + 1) * size - 1]!);
  return { model: layer.with(weight, bias, { generator: 'understudy doubles train' }), before, after };
}

type Tensors = Record<'drawn' | 'coarse' | 'change' | 'features', BoundTensor>;
type Cell = (row: Float32Array, off: readonly number[], inEye: number) => void;

/** Draws a face as another would wear it, and tells cell by cell what the last layer is given and how far off its colour is. */
class Looker {
  readonly #observer: Observer;
  readonly #painter: Painter;
  readonly #session: Session;
  readonly #rest: Float32Array;
  readonly #layer: LastLayer;
  readonly #tensors: Tensors;
  readonly #row: Float32Array;
  #count = 0;

  constructor(
    observer: Observer,
    painter: Painter,
    session: Session,
    { canonical, offset }: Template,
    layer: LastLayer,
  ) {
    this.#observer = observer;
    this.#painter = painter;
    this.#session = session;
    this.#layer = layer;
    // The wearer has the same bones: only the eyes are another's.
    this.#rest = canonical.map((value, i) => value + offset[i]!);
    const tensors = { ...session.inputs, ...session.outputs };
    for (const [name, dims] of Object.entries({ ...LEARNED.inputs, ...LEARNED.outputs }))
      if (tensors[name]?.dims.join() !== dims.join())
        throw new Error(`The network has no ${name} of ${dims.join('×')}.`);
    this.#tensors = tensors as Tensors;
    this.#row = new Float32Array(layer.channels * layer.kernel ** 2 + 1).fill(1);
  }

  async look(sight: Sight, crop: Uint8Array, mesh: FaceMesh, cell: Cell): Promise<void> {
    const { pictures, arena } = this.#observer;
    const picture = this.#pictured(crop);
    try {
      const landmarks = inCrop(sight);
      const trackId = ++this.#count;
      const painted = this.#painter.paint({ picture, landmarks, params: {}, trackId, neutral: this.#rest });
      this.#painter.forget(trackId);
      const { drawn, coarse } = this.#tensors;
      this.#painter.show(painted, drawn.at, coarse.at);
      await this.#session.run();
      this.#cells(sight, arena.floats(painted.base, 5 * PLANE), eyesOf(sight, mesh), cell);
    } finally {
      pictures.give(picture);
    }
  }

  #pictured(crop: Uint8Array): Picture {
    const { pictures, arena } = this.#observer;
    const rgb = Float32Array.from({ length: 3 * PLANE }, (_, k) => crop[(k % 3) * PLANE + Math.floor(k / 3)]!);
    const colour = { matrix: 'bt709', primaries: 'bt709', transfer: 'bt709', range: 'limited' } as const;
    const id = { feed: 'eyes', rtpTs: this.#count, captureUs: 1_000_000 * this.#count };
    const picture = pictures.take(SIZE, SIZE, colour, id);
    arena.bytes(picture.at, 1.5 * PLANE).set(rgbToI420(rgb, SIZE, SIZE));
    return picture;
  }

  #cells(sight: Sight, base: Float32Array, eyes: readonly Eye[], cell: Cell): void {
    const change = this.#tensors.change.data;
    const off = [0, 0, 0];
    for (let row = 0; row < ROWS; row++)
      for (let column = 0; column < COLUMNS; column++) {
        const [x, y] = [WINDOW.left + STEP * (column + 0.5), WINDOW.top + STEP * (row + 0.5)];
        const open = 1 - base[4 * PLANE + Math.floor(y) * SIZE + Math.floor(x)]!;
        const inEye = eyes.some((eye) => Math.hypot(x - eye.x, y - eye.y) < eye.reach) ? Math.min(1, 1.5 * open) : 0;
        if (inEye < 0.1 && (row * COLUMNS + column) % STAY_EVERY !== 0) continue;
        this.#gather(row, column);
        if (inEye < 0.1) {
          cell(this.#row, [0, 0, 0], 0);
          continue;
        }
        const at = row * COLUMNS + column;
        const [u, v] = [STEP * change[at]!, STEP * change[ROWS * COLUMNS + at]!];
        for (let c = 0; c < 3; c++)
          off[c] = this.#wanted(sight.crop, base, c, x, y, u, v) - change[(2 + c) * ROWS * COLUMNS + at]!;
        cell(this.#row, off, inEye);
      }
  }

  /** Mean over a cell of what would have to be added to the drawing. */
  #wanted(crop: Uint8Array, base: Float32Array, c: number, x: number, y: number, u: number, v: number): number {
    let sum = 0;
    for (let j = -STEP / 2; j < STEP / 2; j++)
      for (let i = -STEP / 2; i < STEP / 2; i++) {
        const from = at(x + i + u, y + j + v);
        sum += crop[c * PLANE + at(x + i, y + j)]! / 255 - base[c * PLANE + from]!;
      }
    return sum / STEP ** 2;
  }

  #gather(row: number, column: number): void {
    const { channels, kernel } = this.#layer;
    const features = this.#tensors.features.data;
    const reach = (kernel - 1) / 2;
    for (let c = 0, k = 0; c < channels; c++)
      for (let v = row - reach; v <= row + reach; v++)
        for (let u = column - reach; u <= column + reach; u++, k++) {
          const inside = u >= 0 && v >= 0 && u < COLUMNS && v < ROWS;
          this.#row[k] = inside ? features[(c * ROWS + v) * COLUMNS + u]! : 0;
        }
  }
}

const at = (x: number, y: number): number => {
  const inside = (value: number): number => Math.min(SIZE - 1, Math.max(0, Math.round(value)));
  return inside(y) * SIZE + inside(x);
};

interface Eye {
  x: number;
  y: number;
  reach: number;
}

function eyesOf({ cropPoints }: Sight, mesh: FaceMesh): Eye[] {
  return [mesh.leftEye, mesh.rightEye].map((rim) => {
    const xs = rim.map((point) => cropPoints[2 * point]!);
    const ys = rim.map((point) => cropPoints[2 * point + 1]!);
    const middle = (values: readonly number[]): number => (Math.min(...values) + Math.max(...values)) / 2;
    return { x: middle(xs), y: middle(ys), reach: 0.6 * (Math.max(...xs) - Math.min(...xs)) };
  });
}

/** The sight's landmarks in pixels of its crop. */
function inCrop({ landmarks, cropPoints }: Sight): Landmarks {
  const { points } = landmarks;
  const apart = (from: ArrayLike<number>, stride: number): number =>
    Math.hypot(from[stride * 33]! - from[stride * 263]!, from[stride * 33 + 1]! - from[stride * 263 + 1]!);
  const scale = apart(cropPoints, 2) / apart(points, 3);
  const placed = points.map((value, i) => (i % 3 === 2 ? value * scale : cropPoints[2 * Math.floor(i / 3) + (i % 3)]!));
  return { ...landmarks, points: placed };
}
