import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { makeFolder } from './engine-folder.ts';

/** Half: 16-bit floats. Full: 32-bit. */
export type Precision = 'half' | 'full';

/** What an engine is good for, beside its network: one built for other facts is never read. */
export const engineFacts = z.strictObject({
  /** The GPU's name and compute capability. */
  gpu: z.string(),
  driver: z.string(),
  /** ONNX Runtime's version and those of the libraries under it. */
  libraries: z.string(),
});
export type EngineFacts = z.infer<typeof engineFacts>;

const FORMAT = 1;
const RECORD = 'engine.json';

/** What stands beside an engine once it was built ahead and looked at. */
const engineRecord = z.strictObject({
  format: z.literal(FORMAT),
  /** The network's file name. */
  model: z.string(),
  modelSha256: z.string(),
  precision: z.enum(['half', 'full']),
  facts: engineFacts,
  builtMs: z.number(),
  /** Whether it gives what full precision gives; why not. */
  agrees: z.boolean(),
  why: z.string().nullable(),
});
export type EngineRecord = z.infer<typeof engineRecord>;

/** Where one network's engine of one precision lies. */
export interface EnginePlace {
  precision: Precision;
  dir: string;
}

/** The name of an engine's folder: another network, GPU, driver, library or precision is another engine. */
export const engineKey = (modelSha256: string, { gpu, driver, libraries }: EngineFacts, precision: Precision): string =>
  createHash('sha256')
    .update(JSON.stringify([FORMAT, modelSha256, gpu, driver, libraries, precision]))
    .digest('hex')
    .slice(0, 24);

/** Engines that were built for one GPU and its libraries, in a folder that holds those of others as well. */
export class EngineCache {
  readonly root: string;
  readonly facts: EngineFacts;

  constructor(root: string, facts: EngineFacts) {
    this.root = root;
    this.facts = facts;
  }

  place(modelSha256: string, precision: Precision): EnginePlace {
    return { precision, dir: join(this.root, engineKey(modelSha256, this.facts, precision)) };
  }

  /** The engine to run a network with: half precision only where it was built ahead and agreed. Makes its folder. */
  chosen(modelSha256: string, allowHalf: boolean): EnginePlace {
    const half = this.place(modelSha256, 'half');
    const place = allowHalf && readRecord(half.dir)?.agrees ? half : this.place(modelSha256, 'full');
    makeFolder(place.dir);
    return place;
  }

  /** The record of an engine that was built ahead; null where there is none, or one that cannot be read. */
  record(modelSha256: string, precision: Precision): EngineRecord | null {
    return readRecord(this.place(modelSha256, precision).dir);
  }

  keep(place: EnginePlace, record: Omit<EngineRecord, 'format' | 'facts' | 'precision'>): void {
    // An engine that is never run takes room for nothing; its record keeps it from being built again.
    if (!record.agrees) this.forget(place);
    const { precision } = place;
    const whole: EngineRecord = { format: FORMAT, precision, facts: this.facts, ...record };
    makeFolder(place.dir);
    writeFileSync(join(place.dir, RECORD), `${JSON.stringify(whole, null, 2)}\n`);
  }

  /** Deletes an engine and its record. */
  forget({ dir }: EnginePlace): void {
    rmSync(dir, { recursive: true, force: true });
  }
}

/**
 * The engines that were built ahead under a folder: those that hold for these facts, and those that other GPUs, drivers or libraries left,
 * which nothing reads any more. @param facts one for each GPU that networks are run on.
 */
export function enginesIn(
  root: string,
  facts: readonly EngineFacts[],
): { here: EngineRecord[]; foreign: EngineRecord[] } {
  const mine = new Set(facts.map((one) => JSON.stringify(one)));
  const all = foldersOf(root).flatMap((dir) => readRecord(dir) ?? []);
  const here = all.filter((record) => mine.has(JSON.stringify(record.facts)));
  return { here, foreign: all.filter((record) => !here.includes(record)) };
}

function foldersOf(root: string): string[] {
  try {
    const entries = readdirSync(root, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(root, name));
  } catch {
    return [];
  }
}

function readRecord(dir: string): EngineRecord | null {
  try {
    return engineRecord.parse(JSON.parse(readFileSync(join(dir, RECORD), 'utf8')));
  } catch {
    return null;
  }
}
