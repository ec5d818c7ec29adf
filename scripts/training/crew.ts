import { parentPort, Worker } from 'node:worker_threads';

/** How many faces of a person were recorded, and how many were not seen as they are. */
export type Filmed = { kept: number; lost: number };
/** What a worker of `crew` says: once that it is ready, then one report a seed. */
type Report = Filmed & { seed: number };

/**
 * Lets workers record people, each the next seed when it is done with one; a seed of null ends it. Says how far they are on stderr.
 * @param noun what a seed stands for: 'driver'.
 * @throws Error of the first worker that fails.
 */
export async function crew(file: URL, job: object, seeds: number[], workers: number, noun: string): Promise<void> {
  const began = performance.now();
  let done = 0;
  const work = (worker: Worker): Promise<void> =>
    new Promise((resolve, reject) => {
      worker.on('error', reject);
      worker.on('exit', () => resolve());
      worker.on('message', (said: 'ready' | Report) => {
        if (said !== 'ready') {
          const s = ((performance.now() - began) / 1000).toFixed(0);
          const { seed, kept, lost } = said;
          process.stderr.write(
            `${noun} ${seed}: ${kept} faces, ${lost} not seen as they are; ${++done} of them, ${s} s\n`,
          );
        }
        worker.postMessage(seeds.shift() ?? null);
      });
    });
  await Promise.all(Array.from({ length: workers }, () => work(new Worker(file, { workerData: job }))));
}

/** Makes this thread one of a crew. @param work records a person. @param close lets go of what it was done with, after the last one. */
export function member(work: (seed: number) => Promise<Filmed>, close: () => void): void {
  parentPort?.on('message', (seed: number | null) => {
    if (seed === null) {
      close();
      parentPort?.close();
      return;
    }
    void work(seed).then((done) => parentPort?.postMessage({ seed, ...done } satisfies Report));
  });
  parentPort?.postMessage('ready');
}
