/** The rig of `bench chaos`: a real server on a port that survives its front, an impairing relay, a camera and monitors that connect again. */
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { type ConfigInput, loadConfig } from '../../server/config/config.ts';
import type { ReceiverStats } from '../../server/media/rtp/receiver.ts';
import { createLog } from '../../server/observe/log.ts';
import { type RunningServer, startServer } from '../../server/stage/supervisor.ts';
import type { FeedInfo } from '../../server/wire/messages.ts';
import type { Impairment } from './chaos-impair.ts';
import type { ChaosAnswer, ChaosOrder, Note } from './chaos-peers.ts';
import type { ClipOptions } from './clip.ts';
import type { Rate } from './peers.ts';
import type { Crossing, Direction, RelayAnswer, RelayOrder } from './relay.ts';
import { Child } from './rig.ts';
import { temporaryStore } from './temporary-store.ts';

const PEER = fileURLToPath(new URL('./chaos-peers.ts', import.meta.url));
const RELAY = fileURLToPath(new URL('./relay.ts', import.meta.url));
const LOOK_MS = 100;
const PICTURE_WITHIN_MS = 60_000;
export const FEED = 'bench';
export const CAMERA_LEG = 0;
/** The monitor that decodes and looks; further ones follow. */
export const MONITOR_LEG = 1;

export const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;
export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Peer {
  leg: number;
  child: Child<ChaosOrder, ChaosAnswer>;
  lost: number;
  opened: number;
}

export interface ChaosRigOptions {
  clip: ClipOptions;
  rate: Rate;
  /** Monitors beside the one that looks. */
  others: number;
  /** What the networks run on, where it is not the default. */
  inference?: ConfigInput['inference'];
}

/** Everything that peers and relay saw, with times of one clock. */
export class ChaosRig {
  readonly server: RunningServer;
  /** When each camera frame's last packet reached the server's side of the relay. */
  readonly entered = new Map<number, number>();
  /** Last packets of frames as they left the server, by leg. */
  readonly left = new Map<number, Crossing[]>();
  /** What the looking monitor received, in order. */
  readonly notes: Note[] = [];
  undecodable = 0;
  /** What the looking monitor's packets went through, since it connected. */
  packets: ReceiverStats | null = null;
  /** Difference up to which a face counts as raw. */
  rawLimit = 0;
  readonly #relay = new Child<RelayOrder, RelayAnswer>(RELAY);
  readonly #peers: Peer[] = [];
  #opening: Promise<void> = Promise.resolve();

  private constructor(server: RunningServer) {
    this.server = server;
  }

  /** Starts everything and waits until a picture has reached the looking monitor. */
  static async open(options: ChaosRigOptions): Promise<ChaosRig> {
    // A port of its own: a front that was killed comes back on the port of the configuration.
    const port = await freePort();
    const config = loadConfig(undefined, {
      server: { port },
      stage: { demo: false },
      store: temporaryStore(),
      log: { level: 'silent' },
      ...(options.inference ? { inference: options.inference } : {}),
    });
    const server = await startServer({ config, log: createLog(config.log) });
    const rig = new ChaosRig(server);
    try {
      await rig.#connect(options, config.media.programBitrate);
      return rig;
    } catch (error) {
      await rig.close();
      throw error;
    }
  }

  get peers(): { lost: number; opened: number; count: number } {
    const sum = (of: (peer: Peer) => number): number => this.#peers.reduce((total, peer) => total + of(peer), 0);
    return { lost: sum(({ lost }) => lost), opened: sum(({ opened }) => opened), count: this.#peers.length };
  }

  /** Losses of connection on one leg so far. */
  lostOn(leg: number): number {
    return this.#peers.find((peer) => peer.leg === leg)?.lost ?? 0;
  }

  async impair(leg: number, direction: Direction, impairment: Impairment): Promise<void> {
    await this.#relay.order({ order: 'impair', leg, direction, impairment }, 'impaired');
  }

  /** Fetches what has been seen since the last look. */
  async look(): Promise<void> {
    const { legs } = await this.#relay.order({ order: 'take' }, 'take');
    for (const { leg, up, down } of legs) {
      if (leg === CAMERA_LEG) for (const { rtpTs, atMs } of up) this.entered.set(rtpTs, atMs);
      else this.left.set(leg, [...(this.left.get(leg) ?? []), ...down]);
    }
    for (const peer of this.#peers) {
      const { notes, lost, opened, undecodable, packets } = await peer.child.order({ order: 'take' }, 'taken');
      Object.assign(peer, { lost, opened });
      if (peer.leg !== MONITOR_LEG) continue;
      this.notes.push(...notes);
      this.undecodable = undecodable;
      this.packets = packets;
    }
  }

  /** Lets time pass, looking now and then, and waits a little for what is still on its way. */
  async run(ms: number): Promise<void> {
    await pause(ms);
    await this.look();
  }

  /** The first picture at the monitor that the camera sent after `sinceMs`; null when none came in time. */
  async fresh(sinceMs: number, withinMs: number): Promise<Note | null> {
    for (;;) {
      await this.look();
      const note = this.notes.find((entry) => isPicture(entry) && (this.entered.get(entry.rtpTs) ?? 0) > sinceMs);
      if (note) return note;
      if (nowMs() - sinceMs > withinMs) return null;
      await pause(LOOK_MS);
    }
  }

  async feed(): Promise<FeedInfo | null> {
    const headers = { authorization: `Bearer ${this.server.apiToken}` };
    const response = await fetch(`${this.server.url}/api/feeds`, { headers });
    const { feeds } = (await response.json()) as { feeds: FeedInfo[] };
    return feeds.find(({ name }) => name === FEED) ?? null;
  }

  /** SIGKILL, as nothing a process could prepare for. Returns when it was sent. */
  kill(role: 'front' | 'engine'): number {
    const { front, engines } = this.server.pids();
    const pid = role === 'front' ? front : engines[FEED];
    if (!pid) throw new Error(`There is no ${role} to kill.`);
    const atMs = nowMs();
    process.kill(pid, 'SIGKILL');
    return atMs;
  }

  async close(): Promise<void> {
    await Promise.all(this.#peers.map(({ child }) => child.end({ order: 'close' })));
    await this.#relay.end({ order: 'close' });
    await this.server.close();
  }

  async #connect({ clip, rate, others }: ChaosRigOptions, bitrate: number): Promise<void> {
    const { url, apiToken: token } = this.server;
    const camera = this.#peer(CAMERA_LEG);
    await camera.order({ order: 'film', url, token, clip, rate }, 'ready');
    const beganMs = nowMs();
    while ((await this.feed())?.state !== 'live') {
      if (nowMs() - beganMs > PICTURE_WITHIN_MS) throw new Error('The feed was not live within a minute.');
      await pause(LOOK_MS);
    }
    for (let other = 0; other <= others; other++) {
      const looks = other === 0 ? { clip, bitrate } : null;
      const monitor = this.#peer(MONITOR_LEG + other);
      const { rawLimit } = await monitor.order({ order: 'watch', url, token, look: looks }, 'ready');
      if (looks) this.rawLimit = rawLimit;
    }
    if (!(await this.fresh(beganMs, PICTURE_WITHIN_MS))) throw new Error('No picture came within a minute.');
  }

  #peer(leg: number): Child<ChaosOrder, ChaosAnswer> {
    const child = new Child<ChaosOrder, ChaosAnswer>(PEER);
    child.ask = (answer) => {
      if (answer.answer !== 'relay') return;
      const { host, port } = answer;
      // One after the other: the relay's answers carry no name.
      this.#opening = this.#opening
        .then(() => this.#relay.order({ order: 'open', leg, host, port }, 'open'))
        .then((open) => child.tell({ order: 'relayed', port: open.port }));
    };
    this.#peers.push({ leg, child, lost: 0, opened: 0 });
    return child;
  }
}

/** A decoded picture of the camera: not the slate, whose counter cannot be read. */
export const isPicture = ({ seen }: Note): boolean => seen !== null && seen.counter !== null;

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
