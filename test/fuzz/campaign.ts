/**
 * A fuzz campaign: cases that failed before are played again, then random ones follow. `npm test` runs as many as fit into a few
 * seconds, with a new seed each time; `npm run fuzz` runs every one of `FULL_RUNS` and more. A case that fails is shrunk and kept as a file.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';

const FAILURES = new URL('./failures/', import.meta.url);
const SHARE_SEED = 20_261_121;
const SHARE_RUNS = 1000;
const SHARE_MS = 4000;
/** Cases of a campaign that `npm run fuzz` asked for; null in `npm test`. */
export const fullRuns = process.env.UNDERSTUDY_FUZZ_RUNS ? Number(process.env.UNDERSTUDY_FUZZ_RUNS) : null;
/** What vitest gives a campaign: in full as long as it takes. */
export const CAMPAIGN_MS = fullRuns === null ? 60_000 : 3_600_000;
/** A case that takes longer hangs, whatever the machine does beside. */
const CASE_MS = 5000;

export interface Campaign<T> {
  /** Of the files in failures/: small letters and dashes. */
  name: string;
  /** Made of JSON values and bytes only, so that a case can be kept as a file. */
  cases: fc.Arbitrary<T>;
  /** Throws where a case goes wrong. */
  check(value: T): void | Promise<void>;
  /** Cases in `npm test`, default 1000; and the milliseconds after which it stops there, default 4000. */
  share?: { runs?: number; ms?: number };
}

const encode = (value: unknown): string =>
  JSON.stringify(
    value,
    (_, inner: unknown) => {
      // A Buffer has told JSON its own form by the time it comes here.
      const buffer = inner as { type?: unknown; data?: unknown } | null;
      if (inner instanceof Uint8Array) return { hex: Buffer.from(inner).toString('hex') };
      if (buffer?.type === 'Buffer' && Array.isArray(buffer.data))
        return { hex: Buffer.from(buffer.data as number[]).toString('hex') };
      return inner;
    },
    1,
  );

const decode = (text: string): unknown =>
  JSON.parse(text, (_, inner: unknown) => {
    const hex = (inner as { hex?: unknown } | null)?.hex;
    return typeof hex === 'string' ? Buffer.from(hex, 'hex') : inner;
  });

function kept(name: string): { file: string; value: unknown }[] {
  return readdirSync(FAILURES)
    .filter((file) => file.startsWith(`${name}-`) && /^-[0-9a-f]{8}\.json$/.test(file.slice(name.length)))
    .map((file) => ({ file, value: decode(readFileSync(new URL(file, FAILURES), 'utf8')) }));
}

/** Writes a failing case beside the others. Returns its file's name. */
function keep(name: string, value: unknown): string {
  const text = encode(value);
  const file = `${name}-${createHash('sha256').update(text).digest('hex').slice(0, 8)}.json`;
  writeFileSync(new URL(file, FAILURES), `${text}\n`);
  return file;
}

/** Runs a check under the time limit of a case. A check that blocks the loop is told by its own time. */
async function limited<T>(check: Campaign<T>['check'], value: T): Promise<void> {
  const beganMs = performance.now();
  const { promise: late, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new Error(`A case was not through after ${CASE_MS} ms.`)), CASE_MS);
  try {
    await Promise.race([check(value), late]);
  } finally {
    clearTimeout(timer);
  }
  const ms = performance.now() - beganMs;
  if (ms > CASE_MS) throw new Error(`A case took ${Math.round(ms)} ms.`);
}

/** Throws with the shrunk case, its file and what went wrong. */
export async function campaign<T>({ name, cases, check, share }: Campaign<T>): Promise<void> {
  for (const { file, value } of kept(name)) {
    try {
      await limited(check, value as T);
    } catch (error) {
      throw new Error(`The case of ${file} fails again.`, { cause: error });
    }
  }
  const details = await fc.check(
    fc.asyncProperty(cases, (value) => limited(check, value)),
    fullRuns === null
      ? {
          // The same cases each time: what npm test says of a change must not hang on luck. npm run fuzz draws new ones.
          seed: SHARE_SEED,
          numRuns: share?.runs ?? SHARE_RUNS,
          interruptAfterTimeLimit: share?.ms ?? SHARE_MS,
          markInterruptAsFailure: false,
        }
      : { numRuns: fullRuns },
  );
  if (fullRuns !== null) process.stderr.write(`${name}: ${details.numRuns} cases, seed ${details.seed}\n`);
  if (!details.failed) return;
  const [value] = details.counterexample ?? [];
  const file = value === undefined ? 'nothing to keep' : keep(name, value);
  throw new Error(`${name} failed after ${details.numRuns} cases (seed ${details.seed}); kept as failures/${file}.`, {
    cause: details.errorInstance,
  });
}
