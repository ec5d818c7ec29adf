/** What the front takes of the configuration. */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type Config, mediaBindAddress } from '../config/config.ts';
import { firstOf } from '../inference/placement.ts';
import type { InferenceSettings } from '../inference/settings.ts';
import type { MediaEngine } from '../media/port.ts';
import { resolveAnnounced } from '../media/rtp/candidates.ts';
import type { Configured } from './settings.ts';

/** Engines built for this machine's GPU, unless the configuration names another folder. */
const ENGINES_DIR = fileURLToPath(new URL('../../data/engines/', import.meta.url));

/** What engines are told about their networks; on which GPU, where there are several, says the pool. */
export const inferenceOf = ({ inference: { workspaceMB, cacheDir, device, ...rest } }: Config): InferenceSettings => ({
  ...rest,
  device: firstOf(device),
  cacheDir: cacheDir ?? ENGINES_DIR,
  workspaceMb: workspaceMB,
});

/** Only the engine that is configured is loaded. */
export async function openMedia(config: Config): Promise<MediaEngine> {
  const options = await mediaOptions(config);
  if (config.media.engine === 'wrtc') {
    const { createWrtcEngine } = await import('../media/wrtc/engine.ts');
    return createWrtcEngine(options);
  }
  const { createRtpEngine } = await import('../media/rtp/engine.ts');
  return createRtpEngine(options);
}

const mediaOptions = async (config: Config) => {
  const bindAddress = mediaBindAddress(config);
  const addresses = await resolveAnnounced(config.media.announce);
  return {
    announce: { addresses, only: config.media.announceOnly },
    ...(config.media.port === null ? {} : { port: config.media.port }),
    rates: config.media,
    ...(bindAddress ? { bindAddress } : {}),
    ...(config.media.portRange ? { portRange: config.media.portRange } : {}),
  };
};

/** More threads shorten a frame's time in the encoder only where cores are idle. */
export const encoderThreads = ({ engine }: Config): number =>
  engine.encoderThreads === 'auto'
    ? Math.min(4, Math.max(1, Math.floor(availableParallelism() / 4)))
    : engine.encoderThreads;

/** Processor cores from which on a close-up's drawing leaves room for the rest of a frame: it takes about 12 ms of one. */
const CLOSE_UP_CORES = 6;

/** Whether faces that are close are drawn in more detail. */
export const closeUps = ({ engine }: Pick<Config, 'engine'>): boolean =>
  engine.closeUps === 'auto' ? availableParallelism() >= CLOSE_UP_CORES : engine.closeUps;

/** The feeds that the configuration lists, the demo among them, and what holds for others. */
export function configured({ stage }: Config): Configured {
  const listed = stage.feeds.map(({ name, look, uncast }) => ({
    name,
    look: look ?? stage.look,
    uncast: uncast ?? stage.uncast,
    age: 0,
  }));
  const defaults = { look: stage.look, uncast: stage.uncast, age: 0 };
  return { defaults, feeds: stage.demo ? [{ name: 'demo', ...defaults }, ...listed] : listed };
}
