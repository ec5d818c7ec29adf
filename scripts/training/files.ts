import { closeSync, openSync, readdirSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const numbered = (dir: string, noun: string, seed: number): string =>
  join(dir, `${noun}-${String(seed).padStart(4, '0')}`);

/** Path of a driver's recording in the folder of one double, without its ending. */
export const driverFile = (dir: string, seed: number): string => numbered(dir, 'driver', seed);

/** Path of a person's recording, without its ending. */
export const personFile = (dir: string, seed: number): string => numbered(dir, 'person', seed);

/** Whose recordings a folder holds. */
export const driversIn = (dir: string): number[] =>
  readdirSync(dir)
    .flatMap((file) => /^driver-(\d+)\.bin$/.exec(file)?.[1] ?? [])
    .map(Number);

/** Begins a recording. FILE.bin is there once it is finished, whole, and FILE.json beside it. @param file its path, without ending. */
export function openRecording(file: string) {
  const open = openSync(`${file}.part`, 'w');
  return {
    write(sample: Uint8Array): void {
      writeSync(open, sample);
    },
    finish(about: object): void {
      closeSync(open);
      writeFileSync(`${file}.json`, JSON.stringify(about));
      renameSync(`${file}.part`, `${file}.bin`);
    },
  };
}
