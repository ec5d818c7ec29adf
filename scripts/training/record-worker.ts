import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { doubleDir } from './seer.ts';

export interface RecordJob {
  assets: string;
  skins: string;
  double: string;
  out: string;
  /** A file that `recordingGraph` made. */
  network: string;
  faces: number;
  seed: number;
}
