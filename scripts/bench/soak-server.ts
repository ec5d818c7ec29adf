/** The server of `bench soak`, in a process of its own, so that main's memory and handles are the server's and not the bench's. */
import { loadConfig } from '../../server/config/config.ts';
import { createLog } from '../../server/observe/log.ts';
import { type RunningServer, startServer } from '../../server/stage/supervisor.ts';
import { freePort } from './chaos-rig.ts';
import { temporaryStore } from './temporary-store.ts';

export type ServerOrder = { order: 'start' } | { order: 'pids' } | { order: 'close' };
export type ServerAnswer =
  | { answer: 'started'; url: string; token: string }
  /** By role: main, front, engine of each feed and whatever else runs. */
  | { answer: 'pids'; pids: Record<string, number> }
  | { answer: 'closed' }
  | { answer: 'failed'; sentence: string };

/** The bench's own peers and its load share one address: ten times what one may ask by default. */
const REQUESTS_PER_MINUTE = 12_000;
const say = (answer: ServerAnswer): void => void process.send?.(answer);
let server: RunningServer | null = null;

/** `{ front: 5, engines: { a: 6 } }` → `{ front: 5, 'engines a': 6 }`. */
function flat(pids: object, before = ''): [role: string, pid: number][] {
  return Object.entries(pids).flatMap(([name, value]: [string, unknown]) => {
    if (typeof value === 'number') return [[before + name, value]];
    return typeof value === 'object' && value !== null ? flat(value, `${before}${name} `) : [];
  });
}

async function obey({ order }: ServerOrder): Promise<void> {
  if (order === 'start') {
    // Each answered request is a line of debug: a log that is not read fills its pipe within seconds.
    // A front that is started again comes back on the port of the configuration.
    const config = loadConfig(undefined, {
      server: { port: await freePort(), requestsPerMinute: REQUESTS_PER_MINUTE },
      stage: { demo: false },
      store: temporaryStore(),
      log: { level: 'debug', pretty: false },
    });
    server = await startServer({ config, log: createLog(config.log) });
    say({ answer: 'started', url: server.url, token: server.apiToken });
  } else if (order === 'pids') {
    say({ answer: 'pids', pids: { main: process.pid, ...Object.fromEntries(flat(server?.pids() ?? {})) } });
  } else {
    await server?.close();
    say({ answer: 'closed' });
    process.disconnect();
  }
}

if (process.send) {
  // Ctrl-C reaches every process of the group: the bench decides.
  process.on('SIGINT', () => undefined);
  process.on('message', (order: ServerOrder) => {
    obey(order).catch((error: unknown) =>
      say({ answer: 'failed', sentence: error instanceof Error ? error.message : String(error) }),
    );
  });
  process.on('disconnect', () => {
    void (server?.close() ?? Promise.resolve()).finally(() => process.exit(0));
  });
}
