/**
 * The front process: HTTP, signalling, WebRTC and the stage. Started by main; asks main for engines. It touches no pixel.
 */
import { flushCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';
import { overwrite } from '../config/reload.ts';
import { configSchema } from '../config/schema.ts';
import { createApp, listen } from '../http/app.ts';
import { createTokens } from '../http/tokens.ts';
import { playableLooks } from '../library/looks.ts';
import { createLog } from '../observe/log.ts';
import { favour } from '../observe/priority.ts';
import { createReports } from '../observe/reports.ts';
import { closeUps, configured, encoderThreads, inferenceOf, openMedia } from './configured.ts';
import { EngineLinks } from './engine-links.ts';
import { EnginePool } from './engine-pool.ts';
import { openFrontStore } from './front-store.ts';
import { ageableAmong } from './looks.ts';
import { type FromFront, type ToFront, toFront } from './process-messages.ts';
import { Stage } from './stage.ts';

const CLIENT_DIR = fileURLToPath(new URL('../../dist/client/', import.meta.url));
const PAGES = ['/monitor?feed=demo', '/try', '/camera', '/'] as const;
const MAX_VIEWERS = 32;

if (!process.send) {
  process.stderr.write('This is the front of Understudy and is started by the server: run `npm start` instead.\n');
  process.exit(2);
}
/** Main may have been killed: nobody hears it then, and the front is about to end as well. */
const say = (message: FromFront): void => {
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
};

favour(process.pid, 'front');
let listening = false;
let drain: (seconds: number) => Promise<void> = async () => undefined;
let close: () => Promise<void> = async () => undefined;
let reload: (raw: unknown) => void = () => undefined;
let starting: Promise<void> = Promise.resolve();
let engineEnded: (key: string) => void = () => undefined;
process.on('message', (raw) => {
  const message = toFront.parse(raw);
  if (message.type === 'ping') say({ type: 'pong' });
  else if (message.type === 'engineEnded') engineEnded(message.key);
  else if (message.type === 'start') starting = start(message).catch(refuse);
  else if (message.type === 'config') void starting.then(() => reload(message.config));
  else if (message.type === 'drain') void drain(message.seconds).then(() => say({ type: 'drained' }));
  else void stop();
});
// Main closes its children in order; its end is ours.
process.on('disconnect', () => void stop());
process.on('SIGINT', () => undefined);
// It is main that reads the configuration again.
process.on('SIGHUP', () => undefined);
// A service manager may signal every process of the house: once the front serves, main decides when it ends.
process.on('SIGTERM', () => void ((listening && process.connected) || stop()));

async function start({
  config: raw,
  channel,
  apiToken,
  passThrough,
  places,
  keeper,
}: Extract<ToFront, { type: 'start' }>): Promise<void> {
  const config = configSchema.parse(raw);
  const log = createLog(config.log);
  const reports = createReports(log);
  const tokens = createTokens({ apiToken, life: config.auth });
  const media = await openMedia(config);
  const links = await EngineLinks.listen(channel);
  const inference = inferenceOf(config);
  const drawing = { occlusion: config.engine.occlusion, closeUps: closeUps(config) };
  const engines = new EnginePool({
    links,
    spare: config.engine.spare,
    places,
    prepare: { media: config.media.engine, memoryMb: config.engine.memoryMB, passThrough, inference, ...drawing },
    start: (key, feed) => say({ type: 'startEngine', key, feed }),
    serves: (key, feed) => say({ type: 'engineServes', key, feed }),
    end: (key, atOnce) => say({ type: 'endEngine', key, atOnce }),
    warn: (sentence) => reports.warn(sentence, sentence),
  });
  engineEnded = (key) => engines.ended(key);
  const store = await openFrontStore(keeper, config, { log, reports }, () => stage.applySettings());
  const { records, settings, castings } = store;
  const stage = new Stage({
    media,
    engines,
    caps: config.stage,
    maxViewers: MAX_VIEWERS,
    maxEncoders: config.engine.maxEncoders,
    feeds: configured(config).feeds.map(({ name }) => name),
    settings,
    castings,
    records,
    rates: config.media,
    open: {
      media: config.media.engine,
      encoderThreads: encoderThreads(config),
      videoEncoder: config.engine.videoEncoder,
      memoryMb: config.engine.memoryMB,
      unknownColour: config.stage.unknownColour,
      passThrough,
      ...drawing,
      inference,
    },
    looks: playableLooks(),
    ageable: ageableAmong(playableLooks()),
    warn: (feed, sentence) => reports.warn(`${feed}: ${sentence}`, sentence, { feed }),
  });
  const app = await createApp({ stage, store: records, config, clientDir: CLIENT_DIR, log, reports, tokens });
  drain = (seconds) => stage.drain(seconds);
  // Those who hold a section of the configuration read it anew; the others are told.
  reload = (next) => {
    overwrite(config, configSchema.parse(next));
    log.level = config.log.level;
    settings.reload(configured(config));
    stage.reload(configured(config).feeds.map(({ name }) => name));
  };
  close = async () => {
    await app.close();
    stage.close();
    await media.close();
    engines.close();
    links.close();
    await store.close();
    reports.close();
  };
  if (!(await store.known())) log.warn('The store is not there yet: feeds begin with the configuration’s settings.');
  const url = await listen(app, config);
  listening = true;
  // Nobody is here yet: what has been compiled is written for the front that may have to follow this one.
  flushCompileCache();
  say({ type: 'listening', url, links: PAGES.map((page) => ({ page, url: url + tokens.link(page) })) });
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
