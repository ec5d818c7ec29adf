/** How a bench or evaluation speaks: progress on stderr, one JSON object as the last line of stdout, gates with values and verdicts. */
import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';

export interface Gate {
  id: string;
  /** Null when it could not be measured; `why` then says so. */
  value: number | null;
  op: '<=' | '>=' | '==';
  limit: number;
  ok: boolean;
  runs: number;
  min?: number;
  max?: number;
  why?: string;
}

export interface Report {
  name: string;
  commit: string;
  machine: { cpu: string; cores: number; memGB: number; gpu: string | null; node: string };
  seconds: number;
  gates: Gate[];
  details: Record<string, unknown>;
}

/** The value at share `q` (0–1) of a list; NaN for an empty one. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length === 0
    ? Number.NaN
    : (sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] as number);
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

const round = (value: number): number => Math.round(value * 1000) / 1000;

/** A gate over the runs' values: its value is their median. */
export function gate(id: string, op: Gate['op'], limit: number, values: readonly number[], why?: string): Gate {
  const good = values.filter((value) => Number.isFinite(value));
  if (good.length === 0) return { id, value: null, op, limit, ok: false, runs: 0, why: why ?? 'nothing was measured' };
  const value = round(median(good));
  const ok = op === '<=' ? value <= limit : op === '>=' ? value >= limit : value === limit;
  return { id, value, op, limit, ok, runs: good.length, min: round(Math.min(...good)), max: round(Math.max(...good)) };
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return 'unknown';
  }
}

function gpu(): string | null {
  try {
    return (
      execFileSync('nvidia-smi', ['--query-gpu=name', '--format=csv,noheader'], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      })
        .split('\n')[0]
        ?.trim() || null
    );
  } catch {
    return null;
  }
}

export function machine(): Report['machine'] {
  const list = cpus();
  return {
    cpu: list[0]?.model ?? 'unknown',
    cores: list.length,
    memGB: Math.round(totalmem() / 2 ** 30),
    gpu: gpu(),
    node: process.versions.node,
  };
}

/** Progress, for people; never on stdout. */
export const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** A table of the gates on stderr, and the JSON line on stdout when asked for. Returns the exit status: 0 all ok, 1 not, 2 nothing measured. */
export function publish(
  name: string,
  beganMs: number,
  gates: Gate[],
  details: Record<string, unknown>,
  json: boolean,
): number {
  for (const { id, value, op, limit, ok, min, max, why } of gates) {
    const spread = min !== undefined && min !== max ? ` (${min} – ${max})` : '';
    say(
      `${ok ? 'ok    ' : 'MISSED'} ${id.padEnd(34)} ${value ?? 'not measured'}${spread}  ${op} ${limit}${why ? `  ${why}` : ''}`,
    );
  }
  const report: Report = {
    name,
    commit: commit(),
    machine: machine(),
    seconds: Math.round((performance.now() - beganMs) / 1000),
    gates,
    details,
  };
  if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
  if (gates.every((entry) => entry.value === null)) return 2;
  return gates.every((entry) => entry.ok) ? 0 : 1;
}

/** What was measured, or why it could not be. */
export type Outcome<T> = T | string;

/** A part that fails says why, and the others are measured nevertheless. */
export async function attempt<T>(title: string, work: () => Promise<T>): Promise<Outcome<T>> {
  say(title);
  try {
    return await work();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    say(`  could not be measured: ${why}`);
    return why;
  }
}
