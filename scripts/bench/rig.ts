/** The bench's rig: a real server, a relay, a camera and monitors, each in a process of its own. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Config, loadConfig } from '../../server/config/config.ts';
import { createLog } from '../../server/observe/log.ts';
import { type RunningServer, startServer } from '../../server/stage/supervisor.ts';
import type { ClipOptions } from './clip.ts';
import type { FrameNumber, MonitorCounts, PeerAnswer, PeerOrder, Rate } from './peers.ts';
import type { Crossing, RelayAnswer, RelayOrder } from './relay.ts';
import { temporaryStore } from './temporary-store.ts';

const PEER = fileURLToPath(new URL('./peers.ts', import.meta.url));
const RELAY = fileURLToPath(new URL('./relay.ts', import.meta.url));
const ANSWER_MS = 60_000;

/** A child that takes orders and answers them one by one. */
export class Child<Order, Answer extends { answer: string }> {
  readonly process: ChildProcess;
  readonly #waiting: { kind: string; resolve(answer: Answer): void; reject(error: Error): void }[] = [];
  ask: (answer: Answer) => void = () => undefined;

  /** @param errors `pipe`: who starts it reads what it and its children say on standard error, or does not. */
  constructor(script: string, errors: 'inherit' | 'pipe' = 'inherit') {
    this.process = fork(script, { stdio: ['ignore', 'ignore', errors, 'ipc'] });
    this.process.on('message', (answer: Answer) => {
      const failed = answer.answer === 'failed';
      const index = failed ? 0 : this.#waiting.findIndex(({ kind }) => kind === answer.answer);
      const [waiting] = index < 0 ? [] : this.#waiting.splice(index, 1);
      if (!waiting) this.ask(answer);
      else if (failed) waiting.reject(new Error((answer as unknown as { sentence: string }).sentence));
      else waiting.resolve(answer);
    });
    this.process.on('exit', (code) => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error(`A process of the bench ended (${code}).`));
    });
  }

  tell(order: Order): void {
    if (this.process.connected) this.process.send(order as object);
  }

  /** Gives an order and waits for the answer of that kind. */
  async order<Kind extends Answer['answer']>(
    order: Order,
    kind: Kind,
    withinMs = ANSWER_MS,
  ): Promise<Extract<Answer, { answer: Kind }>> {
    const answered = new Promise<Answer>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`A process of the bench did not answer (${kind}).`)), withinMs);
      this.#waiting.push({
        kind,
        reject,
        resolve: (answer) => {
          clearTimeout(timer);
          resolve(answer);
        },
      });
    });
    this.tell(order);
    return (await answered) as Extract<Answer, { answer: Kind }>;
  }

  async end(order: Order, withinMs = 3000): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => this.process.once('exit', () => resolve()));
    const hard = setTimeout(() => this.process.kill('SIGKILL'), withinMs);
    this.tell(order);
    await gone;
    clearTimeout(hard);
  }
}

export interface RigOptions {
  passThrough: boolean;
  rate: Rate;
  clip: ClipOptions;
  rendition?: 'program' | 'plate';
  /** The media engine; rtp where left out. */
  engine?: Config['media']['engine'];
}

export interface Window {
  /** Camera's frames and the monitor's, as the relay saw them: last packet of each frame. */
  up: Crossing[];
  down: Crossing[];
  counts: MonitorCounts;
  /** Which picture each frame carried, by the number drawn in it: the camera's and the monitor's frames. */
  numbers: { up: FrameNumber[]; down: FrameNumber[] };
  seconds: number;
}

export class Rig {
  readonly server: RunningServer;
  readonly #options: RigOptions;
  readonly #relay = new Child<RelayOrder, RelayAnswer>(RELAY);
  readonly #peers: Child<PeerOrder, PeerAnswer>[] = [];
  #camera: Child<PeerOrder, PeerAnswer> | null = null;
  #monitor: Child<PeerOrder, PeerAnswer> | null = null;

  private constructor(server: RunningServer, options: RigOptions) {
    this.server = server;
    this.#options = options;
  }

  /** Starts everything and waits until the monitor receives pictures. */
  static async open(options: RigOptions): Promise<Rig> {
    const config = loadConfig(undefined, {
      server: { port: 0 },
      store: temporaryStore(),
      media: { engine: options.engine ?? 'rtp' },
      stage: { demo: false },
      log: { level: 'error' },
    });
    const server = await startServer({ config, log: createLog(config.log), passThrough: options.passThrough });
    const rig = new Rig(server, options);
    try {
      await rig.#connect();
      return rig;
    } catch (error) {
      await rig.close();
      throw error;
    }
  }

  /** Adds a monitor that receives and decodes nothing. */
  async addViewer(): Promise<void> {
    await this.#addMonitor(false, false);
  }

  /** What passes during a time. */
  async window(seconds: number): Promise<Window> {
    await this.#relay.order({ order: 'take' }, 'take');
    await this.#monitor?.order({ order: 'take' }, 'taken');
    await this.#camera?.order({ order: 'take' }, 'taken');
    const began = performance.now();
    await pause(seconds * 1000);
    const { legs } = await this.#relay.order({ order: 'take' }, 'take');
    const taken = await this.#monitor?.order({ order: 'take' }, 'taken');
    const sent = await this.#camera?.order({ order: 'take' }, 'taken');
    if (!taken) throw new Error('The bench has no monitor.');
    return {
      up: legs.find(({ leg }) => leg === CAMERA_LEG)?.up ?? [],
      down: legs.find(({ leg }) => leg === MONITOR_LEG)?.down ?? [],
      counts: taken.counts,
      numbers: { up: sent?.numbers ?? [], down: taken.numbers },
      seconds: (performance.now() - began) / 1000,
    };
  }

  /** The feed as the server describes it. */
  async feed(): Promise<{
    state: string;
    stageMs: Record<string, number>;
    program: { scale: number; skipped: number };
    faces: { shown: string }[];
  }> {
    const response = await fetch(`${this.server.url}/api/feeds`, {
      headers: { authorization: `Bearer ${this.server.apiToken}` },
    });
    const { feeds } = (await response.json()) as { feeds: Awaited<ReturnType<Rig['feed']>>[] };
    const [feed] = feeds;
    if (!feed) throw new Error('The server knows no feed.');
    return feed;
  }

  async close(): Promise<void> {
    await Promise.all(this.#peers.map((peer) => peer.end({ order: 'close' })));
    await this.#relay.end({ order: 'close' });
    await this.server.close();
  }

  async #connect(): Promise<void> {
    const { rate, clip, rendition = 'program' } = this.#options;
    const { url, apiToken: token } = this.server;
    this.#camera = this.#peer(CAMERA_LEG);
    await this.#camera.order({ order: 'camera', url: `${url}/whip/bench`, token, clip, rate, relayed: true }, 'ready');
    this.#camera.tell({ order: 'play' });
    await this.#until(async () => (await this.feed()).state === 'live');
    this.#monitor = await this.#addMonitor(true, true, rendition);
    await this.#until(async () => ((await this.#monitor?.order({ order: 'take' }, 'taken'))?.counts.frames ?? 0) > 0);
  }

  async #addMonitor(decode: boolean, relayed: boolean, rendition = 'program'): Promise<Child<PeerOrder, PeerAnswer>> {
    const { url, apiToken: token } = this.server;
    const monitor = this.#peer(MONITOR_LEG);
    await monitor.order(
      {
        order: 'monitor',
        url: `${url}/whep/bench/${rendition}`,
        token,
        codec: this.#options.clip.codec ?? 'h264',
        decode,
        rate: this.#options.rate,
        clipFrames: this.#options.clip.frames,
        relayed,
      },
      'ready',
    );
    return monitor;
  }

  #peer(leg: number): Child<PeerOrder, PeerAnswer> {
    const peer = new Child<PeerOrder, PeerAnswer>(PEER);
    peer.ask = (answer) => {
      if (answer.answer !== 'relay') return;
      const { host, port } = answer;
      void this.#relay
        .order({ order: 'open', leg, host, port }, 'open')
        .then((open) => peer.tell({ order: 'relayed', port: open.port }));
    };
    this.#peers.push(peer);
    return peer;
  }

  async #until(holds: () => Promise<boolean>): Promise<void> {
    const from = performance.now();
    while (!(await holds())) {
      if (performance.now() - from > ANSWER_MS) throw new Error('No picture came through the server within a minute.');
      await pause(200);
    }
  }
}

const CAMERA_LEG = 0;
const MONITOR_LEG = 1;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Delay of each frame through the server: its last packet out minus its last packet in, ms. */
export function addedDelays({ up, down }: Pick<Window, 'up' | 'down'>): number[] {
  // The last crossing of a timestamp counts: a frame is complete when its last packet, sent again or not, is through.
  const entered = new Map(up.map(({ rtpTs, atMs }) => [rtpTs, atMs]));
  return down.flatMap(({ rtpTs, atMs }) => {
    const from = entered.get(rtpTs);
    return from === undefined ? [] : [atMs - from];
  });
}

/** A picture that took longer than this is one of the clip's next round. */
const LONGEST_MS = 5000;

/**
 * The same where timestamps do not survive the server: a frame is known by the number in its picture. Of the camera's frames with
 * that number the latest before it counts, because a clip begins anew.
 */
export function addedDelaysByNumber({ up, down, numbers }: Pick<Window, 'up' | 'down' | 'numbers'>): number[] {
  const times = (crossings: Crossing[]) => new Map(crossings.map(({ rtpTs, atMs }) => [rtpTs, atMs]));
  const [entered, left] = [times(up), times(down)];
  const byNumber = new Map<number, number[]>();
  for (const { rtpTs, number } of numbers.up) {
    const atMs = entered.get(rtpTs);
    if (atMs !== undefined) byNumber.set(number, [...(byNumber.get(number) ?? []), atMs]);
  }
  return numbers.down.flatMap(({ rtpTs, number }) => {
    const atMs = left.get(rtpTs) ?? Number.NaN;
    const from = Math.max(...(byNumber.get(number) ?? []).filter((came) => came < atMs));
    return atMs - from < LONGEST_MS ? [atMs - from] : [];
  });
}
