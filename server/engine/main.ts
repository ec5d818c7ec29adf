/**
 * The engine process: one feed's codecs, models and faces. It is started by main with the front's socket and its own key in the
 * environment, connects, and lives until the channel closes. It never touches the network.
 */
import { connect } from 'node:net';
import { Link } from '../channel/link.ts';
import { type FromEngine, fromEngine, type ToEngine, toEngine } from '../channel/messages.ts';
import { favour } from '../observe/priority.ts';
import { type Engine, openEngine } from './engine.ts';
import { quietCodecs } from './quiet.ts';

const { UNDERSTUDY_CHANNEL: channel, UNDERSTUDY_FEED: feed, UNDERSTUDY_KEY: key } = process.env;
if (!channel || !feed || !key) {
  process.stderr.write('This is the engine of Understudy and is started by the server: run `npm start` instead.\n');
  process.exit(2);
}

quietCodecs();
favour(process.pid);
let opening: Promise<Engine> | null = null;
let engine: Engine | null = null;
const socket = connect(channel);
const link = new Link<FromEngine, ToEngine>(socket, (message) => toEngine.parse(message), {
  frame: (role, frame) => {
    // Frames that come while models load would only be late: the camera is asked for a key frame when they are ready.
    if (role === 'ingest') engine?.push(frame);
  },
  message: (message) => {
    if (message.type === 'open') {
      opening ??= start(message);
      opening.catch(failed);
    } else if (engine) {
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
    if (reason) process.stderr.write(`The channel to the front of feed "${feed}" broke: ${reason}\n`);
    void stop(0);
  },
});
link.send({ type: 'hello', feed, key, pid: process.pid });

async function start(options: Extract<ToEngine, { type: 'open' }>): Promise<Engine> {
  engine = await openEngine(options, {
    frame: (rendition, frame) => link.sendFrame(rendition, frame),
    message: (message) => link.send(fromEngine.parse(message)),
  });
  return engine;
}

/** A feed that cannot open says why; main starts the engine again, with growing pauses. */
function failed(error: unknown): void {
  const sentence = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${sentence}\n`);
  link.send({ type: 'trouble', sentence });
  // Leave time for the sentence to go out.
  setTimeout(() => process.exit(3), 100);
}

async function stop(code: number): Promise<void> {
  const open = await opening?.catch(() => null);
  await open?.close();
  process.exit(code);
}

// Ctrl-C, and a service manager's SIGTERM, reach every process of the group at once. An engine ends when its channel closes, so that
// monitors keep their picture while the front drains; main kills what does not end in time.
process.on('SIGTERM', () => undefined);
process.on('SIGINT', () => undefined);
