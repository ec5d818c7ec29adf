/**
 * Reads landmarks off the random faces that scripts/age/record.ts has recorded, raw, as `npm run eval -- double` reads them, for build-ruler.ts:
 *   node scripts/training/read-expressions.ts RECORDED --out DIR
 * One JSON a person (OUT/person-NNNN.json). People that are there already are left alone.
 */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SIZE } from '../../server/double/surface.ts';
import { i420Bytes, UNKNOWN_COLOUR } from '../../server/frame/frame.ts';
import { type EngineParts, MODELS_DIR, withEngine } from '../eval/engine.ts';
import { FaceReader } from '../eval/face-reader.ts';
import { readFaceMesh } from '../models/read-face-mesh.ts';
import type { Face } from '../performer/rig.ts';
import { rgbToI420 } from '../performer/yuv.ts';

/** One rendered face as the landmark model read it, and what the rig did. */
export interface ExpressionSample {
  rig: Face;
  /** In the head, > 0 to the performer's left and up. */
  gazeDeg: readonly [x: number, y: number];
  /** 478 × (x, y, z), pixels of the crop. */
  points: number[];
}

export interface ReadPerson {
  seed: number;
  samples: ExpressionSample[];
}

/** What of a recording's JSON is needed (scripts/age/record-worker.ts). */
interface Recorded {
  ages: number[];
  moments: { person: number; rig?: Face; gaze?: readonly [yaw: number, pitch: number] }[];
}

const PLANE = SIZE * SIZE;
const DEGREES = 180 / Math.PI;
/** Pixels per centimetre of the canonical face where the crop shows it, about. */
const SCALE = 9;

/** Where a face lies in the crop, about: the reader looks twice. */
function guess(): Float32Array {
  const points = new Float32Array(3 * 478).fill(SIZE / 2);
  for (const [i, [x, y]] of readFaceMesh().positions.entries())
    points.set([SIZE / 2 + SCALE * x, SIZE / 2 - SCALE * y, 0], 3 * i);
  return points;
}

/** A picture of the recording: packed R, G, B. The skins of different ages take turns. */
function cropAt(file: number, picture: number, skins: number, planes: number): Float32Array {
  const bytes = new Uint8Array(3 * PLANE);
  readSync(file, bytes, 0, bytes.length, (picture * planes + 3 * (picture % skins)) * PLANE);
  return Float32Array.from({ length: 3 * PLANE }, (_, i) => bytes[(i % 3) * PLANE + Math.floor(i / 3)]!);
}

async function readPerson(engine: EngineParts, reader: FaceReader, stem: string): Promise<ReadPerson> {
  const { ages, moments } = JSON.parse(readFileSync(`${stem}.json`, 'utf8')) as Recorded;
  const about = guess();
  const samples: ExpressionSample[] = [];
  const planes = readFileSync(`${stem}.bin`).length / moments.length / PLANE;
  const file = openSync(`${stem}.bin`, 'r');
  for (const [i, { rig, gaze }] of moments.entries()) {
    if (!rig || !gaze) throw new Error(`${stem}.json does not say what the rig did: record it again.`);
    const id = { feed: 'reading', rtpTs: i, captureUs: i };
    const picture = engine.pictures.take(SIZE, SIZE, { ...UNKNOWN_COLOUR, matrix: 'bt709' }, id);
    const i420 = rgbToI420(cropAt(file, i, ages.length, planes), SIZE, SIZE);
    engine.arena.bytes(picture.at, i420Bytes(SIZE, SIZE)).set(i420);
    reader.forget();
    const points = await reader.read('crop', picture, about);
    engine.pictures.give(picture);
    if (!points) continue;
    const rounded = Array.from(points, (value) => Math.round(100 * value) / 100);
    samples.push({ rig, gazeDeg: [gaze[0] * DEGREES, gaze[1] * DEGREES], points: rounded });
  }
  closeSync(file);
  return { seed: moments[0]?.person ?? -1, samples };
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { out: { type: 'string' } } });
  const [recorded] = positionals;
  if (!recorded || !values.out) throw new Error('Say which folder scripts/age/record.ts wrote, and --out DIR.');
  const { out } = values;
  mkdirSync(out, { recursive: true });
  await withEngine(async ({ engine, runtime }) => {
    const reader = await FaceReader.open({ ...engine, runtime, modelsDir: MODELS_DIR });
    for (const name of readdirSync(recorded).filter((one) => one.endsWith('.json'))) {
      if (existsSync(join(out, name))) continue;
      const read = await readPerson(engine, reader, join(recorded, name.replace(/\.json$/, '')));
      writeFileSync(join(out, name), JSON.stringify(read));
      process.stderr.write(`${name}: ${read.samples.length} faces\n`);
    }
    reader.close();
  });
}

if (import.meta.main) await main();
