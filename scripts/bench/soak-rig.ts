/** The rig of `bench soak`: a server, a camera and two monitors that stay, load on the doors, and a stall of all that writes to a disk. */
import { fileURLToPath } from 'node:url';
import type { FeedInfo } from '../../server/wire/messages.ts';
import type { AvOffset } from './av-offset.ts';
import type { MonitorCounts, PeerAnswer, PeerOrder } from './peers.ts';
import { Child } from './rig.ts';
import type { LoadAnswer, LoadCounts, LoadOrder } from './soak-load.ts';
import type { ServerAnswer, ServerOrder } from './soak-server.ts';
import type { SoundAnswer, SoundOrder } from './soak-sound.ts';
import { handles, loopP99Ms, sessions } from './soak-watch.ts';

const script = (name: string): string => fileURLToPath(new URL(`./${name}.ts`, import.meta.url));
const CLIP = { width: 1280, height: 720, frames: 90, bitrate: 6_000_000 };
const RATE = { num: 30, den: 1 };
const PICTURE_WITHIN_MS = 60_000;
const LOOK_MS = 200;
/** Until sound and picture come, and what they take longer on a busy machine. */
const SOUND_MS = 120_000;
/** A keeper that does not answer for five seconds is taken for hung and ended. */
const KEEPER_STOP_MS = 3500;
export const FEED = 'bench';

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What is open at one moment. */
export interface Open {
  handles: Record<string, number | null>;
  sessions: number;
  /** State and viewers by feed, as words. */
  feeds: Record<string, string>;
}

export class SoakRig {
  url = '';
  token = '';
  readonly #server = new Child<ServerOrder, ServerAnswer>(script('soak-server'), 'pipe');
  readonly #peers: Child<PeerOrder, PeerAnswer>[] = [];
  #monitor: Child<PeerOrder, PeerAnswer> | null = null;
  #load: Child<LoadOrder, LoadAnswer> | null = null;
  #sound: Child<SoundOrder, SoundAnswer> | null = null;
  #stopped: number | null = null;
  /** The server's last warnings and errors, for a failure that needs an explanation. */
  said = '';
  #closed = false;

  /** Starts everything and waits until pictures have reached the monitor. */
  static async open(): Promise<SoakRig> {
    const rig = new SoakRig();
    try {
      await rig.#connect();
      return rig;
    } catch (error) {
      await rig.close();
      throw new Error(`${error instanceof Error ? error.message : String(error)} The server said: ${rig.said}`);
    }
  }

  async pids(): Promise<Record<string, number>> {
    return (await this.#server.order({ order: 'pids' }, 'pids')).pids;
  }

  async feeds(): Promise<FeedInfo[]> {
    return ((await (await this.#ask('/api/feeds')).json()) as { feeds: FeedInfo[] }).feeds;
  }

  /** p99 of how late the front's loop woke, ms, over the last ten to twenty seconds, as the front itself measures it. */
  async loopP99Ms(): Promise<number> {
    return loopP99Ms(await (await this.#ask('/metrics')).text());
  }

  /** Frames that the monitor received since the last look, and over how long. */
  async frames(): Promise<MonitorCounts> {
    const taken = await this.#monitor?.order({ order: 'take' }, 'taken');
    if (!taken) throw new Error('The bench has no monitor.');
    return taken.counts;
  }

  async openNow(): Promise<Open> {
    const pids = await this.pids();
    const counted = Object.entries(pids).map(([role, pid]): [string, number | null] => [role, handles(pid)]);
    const feeds = await this.feeds();
    const words = feeds.map(({ name, state, viewers }) => [name, `${state} ${JSON.stringify(viewers)}`] as const);
    return { handles: Object.fromEntries(counted), sessions: sessions(feeds), feeds: Object.fromEntries(words) };
  }

  async beginLoad(): Promise<void> {
    const { url, token } = this;
    this.#load = new Child<LoadOrder, LoadAnswer>(script('soak-load'));
    await this.#load.order({ order: 'begin', url, token }, 'begun');
  }

  async endLoad(): Promise<LoadCounts> {
    const load = this.#load;
    if (!load) throw new Error('There is no load to end.');
    this.#load = null;
    const { answer: _, ...counts } = await load.order({ order: 'end' }, 'ended');
    return counts;
  }

  /** A camera with sound on a feed of its own, for so long: how far sound and picture come apart. */
  async sound(seconds: number, settleMs: number): Promise<AvOffset> {
    const { url, token } = this;
    this.#sound ??= new Child<SoundOrder, SoundAnswer>(script('soak-sound'));
    const order = { order: 'measure', url, token, seconds, settleMs } as const;
    return (await this.#sound.order(order, 'measured', seconds * 1000 + SOUND_MS)).offset;
  }

  /**
   * What a disk that stalls does to the house, without such a disk: the keeper, which alone writes to one, is stopped (SIGSTOP), and
   * nobody reads the log, so that its pipe is full within seconds. Says what it stalled.
   */
  async stall(ms: number): Promise<string[]> {
    const { keeper } = await this.pids();
    this.#server.process.stderr?.pause();
    const stopMs = Math.min(ms, KEEPER_STOP_MS);
    if (keeper !== undefined) {
      this.#stopped = keeper;
      process.kill(keeper, 'SIGSTOP');
    }
    await pause(stopMs);
    this.#letOn();
    await pause(ms - stopMs);
    this.#server.process.stderr?.resume();
    return ['log', ...(keeper === undefined ? [] : ['keeper'])];
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#letOn();
    this.#server.process.stderr?.resume();
    await this.#sound?.end({ order: 'close' });
    await this.#load?.end({ order: 'end' });
    await Promise.all(this.#peers.map((peer) => peer.end({ order: 'close' })));
    await this.#server.end({ order: 'close' }, 15_000);
  }

  #letOn(): void {
    if (this.#stopped !== null) {
      try {
        process.kill(this.#stopped, 'SIGCONT');
      } catch {
        // It has ended since.
      }
    }
    this.#stopped = null;
  }

  #ask(path: string): Promise<Response> {
    return fetch(this.url + path, {
      headers: { authorization: `Bearer ${this.token}`, connection: 'close' },
      signal: AbortSignal.timeout(10_000),
    });
  }

  async #connect(): Promise<void> {
    this.#server.process.stderr?.on('data', (chunk: Buffer) => {
      const lines = chunk.toString().split('\n');
      const told = lines.filter((line) => line !== '' && !/"level":(10|20|30)/.test(line)).join('\n');
      if (told) this.said = `${this.said}${told}\n`.slice(-4000);
    });
    const { url, token } = await this.#server.order({ order: 'start' }, 'started');
    Object.assign(this, { url, token });
    const camera = this.#peer();
    await camera.order(
      { order: 'camera', url: `${url}/whip/${FEED}`, token, clip: CLIP, rate: RATE, relayed: false },
      'ready',
    );
    camera.tell({ order: 'play' });
    await this.#until(async () => (await this.feeds()).some(({ name, state }) => name === FEED && state === 'live'));
    this.#monitor = await this.#watch('program');
    await this.#watch('plate');
    await this.#until(async () => (await this.frames()).frames > 0);
  }

  async #watch(rendition: 'program' | 'plate'): Promise<Child<PeerOrder, PeerAnswer>> {
    const { url, token } = this;
    const monitor = this.#peer();
    const to = { url: `${url}/whep/${FEED}/${rendition}`, token, rate: RATE, clipFrames: CLIP.frames };
    await monitor.order({ order: 'monitor', ...to, decode: false, relayed: false }, 'ready');
    return monitor;
  }

  #peer(): Child<PeerOrder, PeerAnswer> {
    const peer = new Child<PeerOrder, PeerAnswer>(script('peers'));
    this.#peers.push(peer);
    return peer;
  }

  async #until(holds: () => Promise<boolean>): Promise<void> {
    const from = performance.now();
    while (!(await holds())) {
      if (performance.now() - from > PICTURE_WITHIN_MS)
        throw new Error('No picture came through the server within a minute.');
      await pause(LOOK_MS);
    }
  }
}
