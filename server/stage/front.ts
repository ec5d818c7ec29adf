/**
 * The front process: HTTP, signalling, WebRTC and the stage. Started by main; asks main for engines. It touches no pixel.
 */
import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type Config, mediaBindAddress } from '../config/config.ts';
import { configSchema } from '../config/schema.ts';
import { createApp, listen } from '../http/app.ts';
import { createTokens } from '../http/tokens.ts';
import type { MediaEngine } from '../media/port.ts';
import { resolveAnnounced } from '../media/rtp/candidates.ts';
import { createLog } from '../observe/log.ts';
import { favour } from '../observe/priority.ts';
import { createReports } from '../observe/reports.ts';
import { EngineLinks } from './engine-links.ts';
import { EnginePool } from './engine-pool.ts';
import { KeeperLink } from './keeper-link.ts';
import { type FromFront, type ToFront, toFront } from './process-messages.ts';
import { NO_RECORDS } from './records.ts';
import { type Configured, Settings } from './settings.ts';
import { Stage } from './stage.ts';

const CLIENT_DIR = fileURLToPath(new URL('../../dist/client/', import.meta.url));
const DOUBLES_DIR = fileURLToPath(new URL('../../models/doubles/', import.meta.url));
const PAGES = ['/monitor?feed=demo', '/try', '/camera', '/'] as const;
const MAX_VIEWERS = 32;
/** What the first camera waits for the store at most; without it, the configuration holds. */
const STORE_MS = 1000;
/** What the close waits for the last records. */
const FLUSH_MS = 2000;

if (!process.send) {
  process.stderr.write('This is the front of Understudy and is started by the server: run `npm start` instead.\n');
  process.exit(2);
}
const say = (message: FromFront): void => void process.send?.(message);

favour(process.pid);
let listening = false;
let drain: (seconds: number) => Promise<void> = async () => undefined;
let close: () => Promise<void> = async () => undefined;
let engineEnded: (key: string) => void = () => undefined;
process.on('message', (raw) => {
  const message = toFront.parse(raw);
  if (message.type === 'ping') say({ type: 'pong' });
  else if (message.type === 'engineEnded') engineEnded(message.key);
  else if (message.type === 'start') void start(message).catch(refuse);
  else if (message.type === 'drain') void drain(message.seconds).then(() => say({ type: 'drained' }));
  else void stop();
});
// Main closes its children in order; its end is ours.
process.on('disconnect', () => void stop());
process.on('SIGINT', () => undefined);
// A service manager may signal every process of the house: once the front serves, main decides when it ends.
process.on('SIGTERM', () => void ((listening && process.connected) || stop()));

async function start({
  config: raw,
  channel,
  apiToken,
  passThrough,
  keeper: found,
}: Extract<ToFront, { type: 'start' }>): Promise<void> {
  const config = configSchema.parse(raw);
  const log = createLog(config.log);
  const reports = createReports(log);
  const tokens = createTokens({ apiToken, sessionHours: config.auth.sessionHours });
  const media = await openMedia(config);
  const links = await EngineLinks.listen(channel);
  const engines = new EnginePool({
    links,
    spare: config.engine.spare,
    prepare: { media: config.media.engine, memoryMb: config.engine.memoryMB, passThrough },
    start: (key, feed) => say({ type: 'startEngine', key, feed }),
    serves: (key, feed) => say({ type: 'engineServes', key, feed }),
    end: (key, atOnce) => say({ type: 'endEngine', key, atOnce }),
    warn: (sentence) => reports.warn(sentence, sentence),
  });
  engineEnded = (key) => engines.ended(key);
  const keeper =
    found &&
    (await KeeperLink.listen({
      ...found,
      reports,
      settings: (stored) => {
        settings.learn(stored);
        stage.applySettings();
      },
    }));
  const records = keeper ?? NO_RECORDS;
  const settings = new Settings({
    configured: configured(config),
    looks: looks(),
    keep: (record) => records.keep(record),
  });
  const stage = new Stage({
    media,
    engines,
    maxFeeds: config.stage.maxFeeds,
    maxViewers: MAX_VIEWERS,
    maxEncoders: config.engine.maxEncoders,
    feeds: configured(config).feeds.map(({ name }) => name),
    settings,
    records,
    open: {
      media: config.media.engine,
      programBitrate: config.media.programBitrate,
      lowBitrate: config.media.lowBitrate,
      encoderThreads: encoderThreads(config),
      memoryMb: config.engine.memoryMB,
      unknownColour: config.stage.unknownColour,
      passThrough,
    },
    looks: looks(),
    warn: (feed, sentence) => reports.warn(`${feed}: ${sentence}`, sentence, { feed }),
  });
  const app = await createApp({ stage, store: records, config, clientDir: CLIENT_DIR, log, reports, tokens });
  drain = (seconds) => stage.drain(seconds);
  close = async () => {
    await app.close();
    stage.close();
    await media.close();
    engines.close();
    links.close();
    await keeper?.flush(FLUSH_MS);
    keeper?.close();
    reports.close();
  };
  if (keeper && !(await keeper.opened(STORE_MS)))
    log.warn('The store is not there yet: feeds begin with the configuration’s settings.');
  const url = await listen(app, config);
  listening = true;
  say({ type: 'listening', url, links: PAGES.map((page) => ({ page, url: url + tokens.link(page) })) });
}

/** Only the engine that is configured is loaded. */
async function openMedia(config: Config): Promise<MediaEngine> {
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
    maxIngestBitrate: config.media.maxIngestBitrate,
    ...(bindAddress ? { bindAddress } : {}),
    ...(config.media.portRange ? { portRange: config.media.portRange } : {}),
  };
};

/** More threads shorten a frame's time in the encoder only where cores are idle. */
const encoderThreads = ({ engine }: Config): number =>
  engine.encoderThreads === 'auto'
    ? Math.min(4, Math.max(1, Math.floor(availableParallelism() / 4)))
    : engine.encoderThreads;

function configured({ stage }: Config): Configured {
  const listed = stage.feeds.map(({ name, look, uncast }) => ({
    name,
    look: look ?? stage.look,
    uncast: uncast ?? stage.uncast,
  }));
  const defaults = { look: stage.look, uncast: stage.uncast };
  return { defaults, feeds: stage.demo ? [{ name: 'demo', ...defaults }, ...listed] : listed };
}

/** Every folder of models/doubles that holds a manifest is a look. */
function looks(): string[] {
  if (!existsSync(DOUBLES_DIR)) return [];
  return readdirSync(DOUBLES_DIR, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(`${DOUBLES_DIR}${entry.name}/double.json`))
    .map(({ name }) => name)
    .sort();
}

function refuse(error: unknown): void {
  say({ type: 'refused', sentence: error instanceof Error ? error.message : String(error) });
}

let stopping = false;
async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  await close().catch(() => undefined);
  process.exit(0);
}
