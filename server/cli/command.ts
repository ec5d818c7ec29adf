import * as av from 'node-av';
import { releasePeers } from '../media/rtp/link.ts';

/** A mistake for the person at the command line: a sentence, no stack. */
export class CommandError extends Error {
  constructor(sentence: string) {
    super(sentence);
    this.name = 'CommandError';
  }
}

/** Errors whose message is all that a person needs. */
const SENTENCES = ['CommandError', 'PeerError', 'ConfigError'];

/** Runs a command: `--help` prints its usage; a mistake (SENTENCES, or what the system says) becomes its sentence on stderr and exit code 1. */
export async function runCommand(args: string[], usage: string, body: () => Promise<void>): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(usage);
    return 0;
  }
  // FFmpeg's own chatter helps nobody at a command line.
  av.Log.setLevel(av.AV_LOG_ERROR);
  try {
    await body();
    return 0;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (!SENTENCES.includes(error.name) && !('code' in error)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  } finally {
    releasePeers();
  }
}

/** Resolves at the first Ctrl-C or SIGTERM; `cancel` takes the handlers back. */
export function interrupted(): { signal: AbortSignal; cancel(): void } {
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  return {
    signal: controller.signal,
    cancel: () => {
      process.off('SIGINT', stop);
      process.off('SIGTERM', stop);
    },
  };
}

/** `--token -x…`, a value that begins with a dash, as parseArgs takes it: `--token=-x…`. Another option after it (`--…`) stays one. */
export const withToken = (args: readonly string[]): string[] =>
  args.flatMap((arg, at) => {
    if (arg === '--token' && isDashed(args[at + 1])) return [];
    return args[at - 1] === '--token' && isDashed(arg) ? [`--token=${arg}`] : [arg];
  });
const isDashed = (arg: string | undefined): boolean => /^-[^-]./.test(arg ?? '');

/** 6M, 800k or plain bits per second. */
export function parseBitrate(text: string): number {
  const match = /^(\d+(?:\.\d+)?)([kKmM]?)$/.exec(text);
  const unit = { '': 1, k: 1e3, m: 1e6 }[match?.[2]?.toLowerCase() ?? ''] ?? 1;
  const bits = Number(match?.[1]) * unit;
  if (!match || bits < 10_000 || bits > 200e6) throw new CommandError(`"${text}" is not a bit rate: write 6M or 800k.`);
  return bits;
}

/** WIDTHxHEIGHT, 16 to 4096 a side. */
export function parseSize(text: string): { width: number; height: number } {
  const match = /^(\d+)[xX×](\d+)$/.exec(text);
  const [width, height] = [Number(match?.[1]), Number(match?.[2])];
  if (!match || Math.min(width, height) < 16 || Math.max(width, height) > 4096) {
    throw new CommandError(`"${text}" is not a size: write 1280x720 (16 to 4096 a side).`);
  }
  return { width, height };
}

export function parseCount(text: string, name: string, most: number): number {
  const value = numberIn(text);
  if (value > 0 && value <= most) return value;
  throw new CommandError(`--${name} needs a number above 0 and up to ${most}, not "${text}".`);
}

/** A whole number from 1. */
export function parseWhole(text: string, name: string, most: number): number {
  const value = numberIn(text);
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new CommandError(`--${name} needs a whole number from 1 to ${most}, not "${text}".`);
}

/** NaN where there is none: Number() takes nothing at all for 0. */
export const numberIn = (text: string): number => (text.trim() === '' ? Number.NaN : Number(text));
