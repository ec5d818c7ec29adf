/**
 * The engine process: one feed's codecs, models and faces. It is started by main with the front's socket and its own key in the
 * environment, connects, and lives until the channel closes. It never touches the network. A spare is the same process that is told to
 * prepare for any feed first, and for which one later.
 */
import { flushCompileCache } from 'node:module';
import { connect } from 'node:net';
import { Link } from '../channel/link.ts';
import { type FromEngine, fromEngine, type ToEngine, toEngine } from '../channel/messages.ts';
import type { Replacer } from '../double/replacer.ts';
import type { InferenceError } from '../inference/failure.ts';
import { favour } from '../observe/priority.ts';
import { type Engine, openEngine } from './engine.ts';
import { Prepared, type PrepareOptions } from './prepared.ts';

const IDLE_MS = 500;
/** While networks are loaded for a feed. */
const ALIVE_MS = 5000;
const TIDY_MS = 3000;
/** For the last sentence to go out. */
const GOODBYE_MS = 20;

const { UNDERSTUDY_CHANNEL: channel, UNDERSTUDY_KEY: key } = process.env;
if (!channel || !key) {
  process.stderr.write('This is the engine of Understudy and is started by the server: run `npm start` instead.\n');
  process.exit(2);
}

type Open = Extract<ToEngine, { type: 'open' }>;
type Prepare = Extract<ToEngine, { type: 'prepare' }>;

let feed: string | null = null;
let preparing: Promise<Prepared> | null = null;
/** Set when nothing of the preparation is under way any more: from then on a feed can be opened at once. */
let prepared: Prepared | null = null;
let stocking: Promise<void> = Promise.resolve();
let opening: Promise<Engine> | null = null;
let engine: Engine | null = null;
const socket = connect(channel);
const link = new Link<FromEngine, ToEngine>(socket, (message) => toEngine.parse(message), {
  frame: (role, frame) => {
    // Frames that come while models load would only be late: the camera is asked for a key frame when they are ready.
    if (role === 'ingest') engine?.push(frame);
  },
  message: (message) => {
    if (message.type === 'prepare') prepare(message);
    else if (message.type === 'open') open(message);
    else if (engine) {
      // At once: a camera that goes must not take the next one's first frames, right behind it on the channel, with it.
      engine.tell(message);
    } else {
      void opening?.then(
        (open) => open.tell(message),
        () => undefined,
      );
    }
  },
  closed: (reason) => {
    // A front that has ended is told by main.
    if (reason && !/EPIPE|ECONNRESET/.test(reason))
      process.stderr.write(`The channel to the front broke (feed ${feed ?? 'none'}): ${reason}\n`);
    void stop(0);
  },
});
link.send({ type: 'hello', key, pid: process.pid });
const idle = setInterval(() => {
  if (!feed) link.send({ type: 'idle', rssMb: rssMb() });
}, IDLE_MS);

async function load(options: PrepareOptions, rehearsed: boolean): Promise<Prepared> {
  const loaded = await Prepared.load({
    ...options,
    notice: (text) => link.send({ type: 'trouble', sentence: text }),
    broken: abandon,
  });
  if (rehearsed) await loaded.rehearse();
  // Before the first frame: for the engines that are started after this one.
  flushCompileCache();
  prepared = loaded;
  return loaded;
}

/** Loads what any feed will need. A look that cannot be opened leaves the spare good for every other. */
function prepare({ looks, ...options }: Prepare): void {
  preparing ??= load(options, true);
  const ready = preparing;
  stocking = stocking.then(async () => {
    const stock = await ready;
    if (!feed) stock.keep(looks);
    for (const look of looks) {
      if (feed) break;
      await stock.stock(look).catch((error: unknown) => link.send({ type: 'trouble', sentence: sentence(error) }));
    }
    if (feed) tidy(stock);
    else link.send({ type: 'prepared', rssMb: rssMb() });
  });
  stocking.catch(failed);
}

function open(options: Open): void {
  if (feed) return;
  feed = options.feed;
  clearInterval(idle);
  // Frames of a live feed go first; a spare that loads does not take time from those who work.
  favour(process.pid, 'engine');
  const look = options.passThrough ? null : (prepared?.take(options.settings.look) ?? null);
  if (prepared && (look || options.passThrough)) begin(prepared, options, look);
  else {
    // Engines for a GPU may be built for minutes: as long as this loop turns, that is no hang.
    const alive = setInterval(() => link.send({ type: 'loading' }), ALIVE_MS);
    opening = start(options).finally(() => clearInterval(alive));
    opening.catch(failed);
  }
}

async function start(options: Open): Promise<Engine> {
  preparing ??= load(options, false);
  const stock = await preparing;
  return begin(stock, options, options.passThrough ? null : await stock.look(options.settings.look));
}

function begin(stock: Prepared, options: Open, look: Replacer | null): Engine {
  engine = openEngine(stock, options, look, {
    frame: (rendition, frame) => link.sendFrame(rendition, frame),
    message: (message) => link.send(fromEngine.parse(message)),
  });
  tidy(stock);
  return engine;
}

/** A spare has the looks of every feed: those that this one does not wear are let go of, after its first pictures. */
function tidy(stock: Prepared): void {
  setTimeout(() => stock.keep([]), TIDY_MS).unref();
}

/** A feed that cannot open says why; the front starts another engine, with growing pauses. */
function failed(error: unknown): void {
  process.stderr.write(`${sentence(error)}\n`);
  link.send({ type: 'trouble', sentence: sentence(error) });
  // Leave time for the sentence to go out.
  setTimeout(() => process.exit(3), 100);
}

/**
 * No network can be run here any more: says so, upon which a spare takes over, and ends. Killed, not left: a run that does not return would hold up
 * everything that an orderly end waits for, and a driver that hangs may hold up even this.
 */
function abandon({ message, kind }: InferenceError): void {
  process.stderr.write(`${message}\n`);
  const why = kind === 'hung' || kind === 'gpu_gone' ? kind : 'other';
  link.send({ type: 'broken', sentence: message, why });
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), GOODBYE_MS);
}

async function stop(code: number): Promise<void> {
  clearInterval(idle);
  await opening?.catch(() => null);
  if (engine) await engine.close();
  else {
    const idling = await preparing?.catch(() => null);
    await stocking.catch(() => undefined);
    idling?.close();
  }
  process.exit(code);
}

const rssMb = (): number => Math.round(process.memoryUsage.rss() / 1e6);
const sentence = (error: unknown): string => (error instanceof Error ? error.message : String(error));

// Ctrl-C, and a service manager's SIGTERM, reach every process of the group at once. An engine ends when its channel closes, so that
// monitors keep their picture while the front drains; main kills what does not end in time.
process.on('SIGTERM', () => undefined);
process.on('SIGINT', () => undefined);
process.on('SIGHUP', () => undefined);
