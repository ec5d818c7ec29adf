import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { type Gpu, usedMemory } from '../inference/machine.ts';
import { placesOf, planned } from '../inference/placement.ts';
import { createLog } from '../observe/log.ts';
import { closeUps, configured, inferenceOf } from '../stage/configured.ts';
import { EngineLinks } from '../stage/engine-links.ts';
import { EngineProcesses } from '../stage/engine-processes.ts';

/** A spare of a machine that builds engines for a GPU first may take minutes: it is not waited for. */
const PATIENCE_MS = 60_000;

/** Where the engines of a configuration's feeds go, and what the spare costs. */
export interface Plan {
  /**
   * Feeds of the configuration, in the order in which they open, and where there are several GPUs those that cameras may open beside them
   * (`feed` null), up to stage.maxFeeds. `gpu` null: on the processor.
   */
  feeds: { feed: string | null; gpu: number | null }[];
  /** Null: the configuration keeps none. */
  spare: { gpu: number | null; rssMb: number | null; gpuMb: number | null; why: string | null } | null;
}

/** @param onGpu whether any network runs on a GPU here. */
export async function planOf(config: Config, found: readonly Gpu[], onGpu: boolean): Promise<Plan> {
  const { feeds, defaults } = configured(config);
  const places = placesOf(config.inference.device, found);
  const names: (string | null)[] = feeds.map(({ name }) => name);
  while (places.length > 1 && names.length < config.stage.maxFeeds) names.push(null);
  const plan = planned(places, names, config.engine.spare);
  const gpuOf = (gpu: number): number | null => (onGpu ? gpu : null);
  const looks = new Set(feeds.length > 0 ? feeds.map(({ look }) => look) : [defaults.look]);
  return {
    feeds: plan.feeds.map(({ feed, gpu }) => ({ feed, gpu: gpuOf(gpu) })),
    spare: plan.spare === null ? null : { gpu: gpuOf(plan.spare), ...(await costOf(config, plan.spare, [...looks])) },
  };
}

type Cost = Pick<NonNullable<Plan['spare']>, 'rssMb' | 'gpuMb' | 'why'>;

/** Starts a spare as the server would, with the looks that feeds wear, and asks it and the driver what it holds. */
async function costOf(config: Config, gpu: number, looks: string[]): Promise<Cost> {
  const dir = await mkdtemp(join(tmpdir(), 'understudy-doctor-'));
  const name = `understudy-${randomBytes(8).toString('hex')}`;
  const channel = process.platform === 'win32' ? `\\\\.\\pipe\\${name}` : join(dir, 'channel');
  const links = await EngineLinks.listen(channel);
  const { promise, resolve } = Promise.withResolvers<number | string>();
  const log = createLog({ ...config.log, level: 'silent' });
  const processes = new EngineProcesses({
    ...{ channel, env: process.env, log },
    ended: () => resolve('The spare ended while it loaded: the lines above say why.'),
  });
  const late = setTimeout(
    () => resolve('It took longer than a minute to load; engines may have to be built first.'),
    PATIENCE_MS,
  );
  try {
    const before = (await usedMemory()).get(gpu);
    const inference = { ...inferenceOf(config), device: gpu };
    const key = links.expect({
      connected: (link) =>
        link.send({
          ...{ type: 'prepare', looks, inference, passThrough: false },
          ...{ media: config.media.engine, memoryMb: config.engine.memoryMB, occlusion: config.engine.occlusion },
          closeUps: closeUps(config),
        }),
      message: (message) => message.type === 'prepared' && resolve(message.rssMb),
      frame: () => undefined,
      lost: () => resolve('The spare ended while it loaded: the lines above say why.'),
    });
    processes.start(key, null);
    const told = await promise;
    if (typeof told === 'string') return { rssMb: null, gpuMb: null, why: told };
    const after = (await usedMemory()).get(gpu);
    const gpuMb = before === undefined || after === undefined ? null : Math.max(0, after - before);
    return { rssMb: told, gpuMb, why: null };
  } finally {
    clearTimeout(late);
    links.close();
    await processes.close();
    await rm(dir, { recursive: true, force: true });
  }
}

/** Lines for people. */
export function planText({ feeds, spare }: Plan): string[] {
  const on = (gpu: number | null): string => (gpu === null ? 'the processor' : `GPU ${gpu}`);
  const cost = spare && [
    ...(spare.rssMb === null ? [] : [`${spare.rssMb} MB of memory`]),
    ...(spare.gpuMb === null ? [] : [`${spare.gpuMb} MB of its GPU's`]),
    ...(spare.why === null ? [] : [`not measured: ${spare.why}`]),
  ];
  return [
    ...feeds.map(({ feed, gpu }) => `  ${(feed === null ? 'a further feed' : `feed ${feed}`).padEnd(26)} ${on(gpu)}`),
    ...(spare ? [`  the spare${' '.repeat(17)} ${on(spare.gpu)}, ${cost?.join(', ')}`] : ['  no spare (engine.spare)']),
  ];
}
