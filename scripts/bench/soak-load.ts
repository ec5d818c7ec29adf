/** The load of `bench soak` on the server's doors, in a process of its own: /api/feeds, /metrics, and control sockets that ask the time. */
import autocannon from 'autocannon';
import { WebSocket } from 'ws';

export type LoadOrder = { order: 'begin'; url: string; token: string } | { order: 'end' };
export interface LoadCounts {
  requests: number;
  /** Answers that were no success, and requests without one. */
  refused: number;
  errors: number;
  /** Of answers to requests, ms. */
  p99Ms: number;
  clocks: number;
  socketsLost: number;
}
export type LoadAnswer = { answer: 'begun' } | ({ answer: 'ended' } & LoadCounts);

/** Requests a second: with what the sessions ask, the most that the server's own limit lets programs on its machine ask by default. */
const DOORS = [
  { path: '/api/feeds', connections: 8, perSecond: 160 },
  { path: '/metrics', connections: 2, perSecond: 20 },
];
const SOCKETS = 16;
const CLOCK_MS = 200;
const FOREVER_S = 24 * 3600;

const say = (answer: LoadAnswer): void => void process.send?.(answer);
let instances: { stop: () => void; result: Promise<autocannon.Result> }[] = [];
let sockets: WebSocket[] = [];
let asking: NodeJS.Timeout | null = null;
let clocks = 0;
let socketsLost = 0;

function begin({ url, token }: Extract<LoadOrder, { order: 'begin' }>): void {
  const headers = { authorization: `Bearer ${token}` };
  instances = DOORS.map(({ path, connections, perSecond }) => {
    const { promise: result, resolve, reject } = Promise.withResolvers<autocannon.Result>();
    const options = { url: url + path, connections, overallRate: perSecond, duration: FOREVER_S, headers };
    const instance = autocannon(options, (error: unknown, done) => (error ? reject(error as Error) : resolve(done)));
    return { stop: () => (instance as unknown as { stop(): void }).stop(), result };
  });
  sockets = Array.from({ length: SOCKETS }, () => {
    const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/api/control`, { headers });
    socket.on('message', (data: Buffer) => {
      if (data.subarray(0, 20).includes('clock')) clocks++;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (asking) socketsLost++;
    });
    return socket;
  });
  asking = setInterval(() => {
    for (const socket of sockets) {
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type: 'clock', t0Ms: performance.now() }));
    }
  }, CLOCK_MS);
  say({ answer: 'begun' });
}

async function end(): Promise<void> {
  if (asking) clearInterval(asking);
  asking = null;
  for (const socket of sockets) socket.terminate();
  for (const { stop } of instances) stop();
  const results = await Promise.all(instances.map(({ result }) => result));
  const sum = (of: (result: autocannon.Result) => number): number =>
    results.reduce((total, result) => total + of(result), 0);
  say({
    answer: 'ended',
    requests: sum(({ requests }) => requests.total),
    refused: sum(({ non2xx }) => non2xx),
    errors: sum(({ errors, timeouts }) => errors + timeouts),
    p99Ms: Math.max(...results.map(({ latency }) => latency.p99)),
    clocks,
    socketsLost,
  });
  process.disconnect();
}

if (process.send) {
  process.on('SIGINT', () => undefined);
  process.on('message', (order: LoadOrder) => {
    if (order.order === 'begin') begin(order);
    else void end();
  });
  process.on('disconnect', () => process.exit(0));
}
