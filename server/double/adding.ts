import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Landmarks } from '../face/types.ts';
import type { Arena } from '../frame/arena.ts';
import type { Picture } from '../frame/frame.ts';
import type { Kernels } from '../frame/kernels.ts';
import type { Provider } from '../inference/providers.ts';
import type { Runtime, Session } from '../inference/session.ts';
import { dfmShapes, dfmTensors } from './dfm.ts';
import { embeddingShapes, embeddingTensors } from './embedding.ts';
import { lastConstant } from './onnx-file.ts';
import { openDouble } from './open.ts';
import { type OwnedManifest, ownedKind, parseOwned } from './owned-manifest.ts';
import { judge } from './probe.ts';
import type { TemplateName } from './templates.ts';

/** What a network is, by its graph. */
export type Found = { kind: 'dfm'; size: number; morph: boolean } | { kind: 'embedding'; size: number; length: number };

/** A picture with one face, by which a double is tried. */
export interface Probe {
  picture: Picture;
  landmarks: Landmarks;
}

export interface Parts {
  arena: Arena;
  kernels: Kernels;
  probe: Probe;
  /** Runtimes to measure on, each of one provider; the first is used for all else. The caller owns them. */
  runtimes: readonly { provider: Provider; runtime: Runtime }[];
}

/** What the one who adds a double says of it. */
export interface Said {
  name: string;
  licence: string;
  fictional: boolean;
  /** Where the folder of doubles is. */
  out: string;
  /** Takes the place of a double of this name. */
  again: boolean;
  /** The face that an embedding-conditioned network is to make. */
  embedding: Float32Array | null;
  /** Over what is guessed from the graph. */
  template: TemplateName | null;
  mean: readonly number[] | null;
  std: readonly number[] | null;
  range: 'unit' | 'signed' | null;
  maxYawDeg: number;
}

export interface Added {
  dir: string;
  found: Found;
  /** Median of one face, crop to layer, ms. */
  ms: Partial<Record<Provider, number>>;
}

/** A double that is not taken: a sentence for the person who brought it. */
export class NotAdded extends Error {
  constructor(sentence: string) {
    super(sentence);
    this.name = 'NotAdded';
  }
}

/** Tells by its graph what kind of double a file is. @throws NotAdded with what was found instead. */
export async function detect(runtime: Runtime, arena: Arena, file: string): Promise<Found> {
  const tried: string[] = [];
  for (const kind of ['dfm', 'embedding'] as const) {
    let session: Session;
    try {
      session = await runtime.load(file, arena, { openShapes: kind === 'dfm' ? dfmShapes : embeddingShapes });
    } catch (error) {
      tried.push(error instanceof Error ? error.message : String(error));
      continue;
    }
    try {
      const tensors = kind === 'dfm' ? dfmTensors(session) : embeddingTensors(session);
      if (typeof tensors === 'string') tried.push(`It is not of kind ${kind}: ${tensors}.`);
      else if ('face' in tensors) return { kind: 'dfm', size: tensors.size, morph: tensors.morph !== null };
      else return { kind: 'embedding', size: tensors.size, length: tensors.source.data.length };
    } finally {
      session.close();
    }
  }
  throw new NotAdded(`${basename(file)} is no double that this version understands. ${[...new Set(tried)].join(' ')}`);
}

/**
 * Takes a model that a production brought: tells its kind by the graph, tries it on a face, measures it, and writes its folder. Nothing is left
 * behind where it is not taken.
 * @throws NotAdded with a sentence.
 */
export async function addDouble(file: string, said: Said, parts: Parts): Promise<Added> {
  const [first] = parts.runtimes;
  if (!first) throw new NotAdded('There is nothing to run it on.');
  const dir = join(said.out, said.name);
  if (existsSync(dir) && !said.again)
    throw new NotAdded(`There is a double ${said.name} already: choose another --name, or replace it with --again.`);
  // A double of the house could not be had back.
  if (existsSync(dir) && ownedKind(dir) === null)
    throw new NotAdded(`The double ${said.name} was not added with this command and stays: choose another --name.`);
  const found = await detect(first.runtime, parts.arena, file);
  const half = join(said.out, `.${said.name}.adding`);
  rmSync(half, { recursive: true, force: true });
  mkdirSync(half, { recursive: true });
  try {
    const manifest = write(half, file, found, said);
    const ms: Added['ms'] = {};
    for (const { provider, runtime } of parts.runtimes) ms[provider] = await tryOn(half, runtime, parts);
    writeFileSync(join(half, manifest.card), card(manifest, ms));
    replace(dir, half, join(said.out, `.${said.name}.before`));
    return { dir, found, ms };
  } catch (error) {
    rmSync(half, { recursive: true, force: true });
    throw error;
  }
}

/** Puts a folder in another's place; the one before lies aside until the new one is there. */
function replace(dir: string, by: string, aside: string): void {
  rmSync(aside, { recursive: true, force: true });
  if (existsSync(dir)) renameSync(dir, aside);
  renameSync(by, dir);
  rmSync(aside, { recursive: true, force: true });
}

const RUNS = 7;

/** Runs the double on the probe face. @returns the median of a face's ms. @throws NotAdded where what it makes is no face. */
async function tryOn(dir: string, runtime: Runtime, { arena, kernels, probe }: Parts): Promise<number> {
  const replacer = await openDouble({ runtime, arena, kernels, dir });
  try {
    const times: number[] = [];
    for (let k = 0; k < RUNS; k++) {
      const began = performance.now();
      const made = await replacer.replace({ ...probe, params: {}, trackId: 1 });
      times.push(performance.now() - began);
      const wrong = k === 0 ? judge(made, probe.landmarks, arena) : null;
      if (wrong) throw new NotAdded(`It was tried on a face on ${replacer.provider} and not taken: ${wrong}.`);
    }
    times.sort((a, b) => a - b);
    return Math.round((times[RUNS >> 1] ?? 0) * 100) / 100;
  } finally {
    replacer.close();
  }
}

function write(dir: string, file: string, found: Found, said: Said): OwnedManifest {
  const model = 'double.onnx';
  copyFileSync(file, join(dir, model));
  const bytes = readFileSync(file);
  const common = {
    format: 1,
    name: said.name,
    model: { file: model, sha256: sha256(bytes) },
    size: found.size,
    maxYawDeg: said.maxYawDeg,
    licence: said.licence,
    card: 'CARD.md',
    fictional: said.fictional,
  };
  const keys =
    found.kind === 'dfm'
      ? { ...DFM_DEFAULTS, ...(said.template ? { template: said.template } : {}) }
      : embeddingKeys(dir, bytes, found, said);
  const manifest = understood({ ...common, ...keys }, dir);
  writeFileSync(join(dir, 'double.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  return manifest;
}

/** What does not fit a manifest was brought, or said, by the person who adds. */
function understood(keys: unknown, dir: string): OwnedManifest {
  try {
    return parseOwned(keys, dir);
  } catch (error) {
    throw new NotAdded(error instanceof Error ? error.message : String(error));
  }
}

/** What DeepFaceLive begins with: coverage 2.2, erode 5 and blur 25 (σ a quarter of it) of 224 pixels. */
const DFM_DEFAULTS = {
  kind: 'dfm',
  template: 'dfl_468',
  ...{ coverage: 2.2, x: 0, y: 0, morph: 0.75, preSharpen: 0, gamma: [1, 1, 1], twoPass: false },
  ...{ erode: 5 / 224, soften: 6.25 / 224, matchColour: true },
} as const;

function embeddingKeys(dir: string, model: Uint8Array, { length }: Extract<Found, { kind: 'embedding' }>, said: Said) {
  const { embedding } = said;
  if (!embedding)
    throw new NotAdded(
      `The network makes whatever face an embedding of ${length} numbers describes: name its file with --embedding.`,
    );
  if (embedding.length !== length)
    throw new NotAdded(`The embedding has ${embedding.length} numbers, and the network takes ${length}.`);
  const source = sourceOf(embedding, model);
  const bytes = Buffer.from(source.buffer);
  writeFileSync(join(dir, 'source.f32'), bytes);
  return {
    kind: 'embedding',
    template: said.template ?? 'arcface_128',
    source: { file: 'source.f32', sha256: sha256(bytes), length },
    mean: said.mean ?? [0, 0, 0],
    std: said.std ?? [1, 1, 1],
    range: said.range ?? 'unit',
    matchColour: true,
  };
}

/**
 * What the network is given as source: the embedding of length 1, taken through the converter that such models keep as their graph's last
 * constant (a square matrix), and of length 1 again; without a converter the embedding itself.
 */
export function sourceOf(embedding: Float32Array, model: Uint8Array): Float32Array<ArrayBuffer> {
  const n = embedding.length;
  const unit = ofLengthOne(Float64Array.from(embedding));
  const constant = lastConstant(model);
  if (constant?.dims.join() !== `${n},${n}` || !constant.values) return Float32Array.from(unit);
  const converted = new Float64Array(n);
  for (let row = 0; row < n; row++) {
    for (let column = 0; column < n; column++) converted[column]! += unit[row]! * constant.values[row * n + column]!;
  }
  return Float32Array.from(ofLengthOne(converted));
}

function ofLengthOne(values: Float64Array): Float64Array {
  const length = Math.hypot(...values);
  if (!(length > 0) || !Number.isFinite(length))
    throw new NotAdded('The embedding holds no direction: all its numbers are 0, or one is none.');
  return values.map((value) => value / length);
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const card = (manifest: OwnedManifest, ms: Added['ms']): string =>
  `# ${manifest.name}

Added with \`understudy doubles add\`; not made by Understudy, and not shipped with it.

| | |
|---|---|
| kind | ${manifest.kind} |
| square | ${manifest.size} pixels, template ${manifest.template} |
| network | SHA-256 ${manifest.model.sha256} |
| licence | ${manifest.licence} |
| person | ${manifest.fictional ? 'invented' : 'real: may play with a signed licence'} |
${Object.entries(ms)
  .map(([provider, value]) => `| a face on ${provider} | ${value} ms |`)
  .join('\n')}
`;
