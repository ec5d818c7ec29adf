import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { EncoderTrial } from '../engine/encoder-trial.ts';

const TRIAL = fileURLToPath(new URL('../engine/encoder-trial.ts', import.meta.url));
/** A driver that loads takes seconds; one that hangs, for ever. */
const LIMIT_MS = 30_000;

/** Tries a GPU's video encoder in a process of its own. Never rejects. @param gpu as nvidia-smi counts them. */
export const tryEncoder = (gpu: number): Promise<EncoderTrial> =>
  new Promise((resolve) => {
    const env = { ...process.env, CUDA_DEVICE_ORDER: process.env.CUDA_DEVICE_ORDER ?? 'PCI_BUS_ID' };
    execFile(
      process.execPath,
      [TRIAL, String(gpu)],
      { timeout: LIMIT_MS, killSignal: 'SIGKILL', env },
      (error, said) => {
        if (error?.killed) resolve({ why: `the encoder did not answer within ${LIMIT_MS / 1000} s.` });
        else if (error) resolve({ why: `the trial of the encoder ended with ${error.signal ?? error.code}.` });
        else resolve(JSON.parse(said) as EncoderTrial);
      },
    );
  });

/** A line for people. */
export const encoderText = (trial: EncoderTrial): string =>
  'why' in trial
    ? `NVENC is not used: ${trial.why}`
    : `NVENC encodes 1280×720 in ${trial.ms.toFixed(1)} ms (unproven: Understudy has not been measured on this hardware); engine.videoEncoder: nvenc uses it`;
