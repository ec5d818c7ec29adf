/**
 * `bench av-offset`: a camera flashes and beeps at one instant; a monitor decodes what the server makes of it and says how far apart
 * both are: on the clock that the server's sender reports name (what a player plays by), and as they arrive.
 */
import { parseArgs } from 'node:util';
import { loadConfig } from '../../server/config/config.ts';
import { quietCodecs } from '../../server/engine/quiet.ts';
import { openPublisher, type Publisher } from '../../server/media/peer/publisher.ts';
import { openViewer, type Viewer } from '../../server/media/peer/viewer.ts';
import type { SenderReport } from '../../server/media/rtp/rtcp.ts';
import { createLog } from '../../server/observe/log.ts';
import { type RunningServer, startServer } from '../../server/stage/supervisor.ts';
import type { RenditionName } from '../../server/wire/messages.ts';
import { Ears, Eyes, FlashBeepCamera, type Found } from './flash-beep.ts';
import { gate, median, publish, quantile, say } from './report.ts';

const VIDEO_HZ = 90_000;
const SOUND_HZ = 48_000;
const FPS = 30;
/** Clocks and delays settle. */
const SETTLE_MS = 4000;
const FIRST_MS = 60_000;

export interface AvOffsetOptions {
  seconds: number;
  /** A running server; one of its own where absent. */
  server?: Pick<RunningServer, 'url' | 'apiToken'>;
  feed?: string;
  rendition?: RenditionName;
  /** The beep comes by a mixer's own connection instead of the camera's. */
  mixer?: boolean;
  /** Before it counts: clocks and delays settle; default 4000. */
  settleMs?: number;
}

export interface AvOffset {
  /** The largest of `offsets`, without its sign. */
  offsetFramesMax: number;
  /** Frames by which each beep lies behind its flash on the clock of the sender reports; negative where it comes before. */
  offsets: number[];
  /** The same by arrival at the monitor. */
  arrivals: number[];
  /** Seconds whose flash or beep was not found (a picture that the engine skipped, a lost packet). */
  missed: number;
}

interface Watch {
  flashes: Found[];
  beeps: Found[];
  reports: Partial<Record<'picture' | 'sound', SenderReport>>;
}

const ntpUs = (report: SenderReport, rtpTs: number, hz: number): number =>
  report.ntpUs + (((rtpTs - report.rtpTs) | 0) * 1e6) / hz;

/** Each beep with the flash that it belongs to: nearest on the reports' clock, within half a second. */
function offsetsOf({ flashes, beeps, reports }: Watch): { offsets: number[]; arrivals: number[] } {
  const offsets: number[] = [];
  const arrivals: number[] = [];
  const { picture, sound } = reports;
  if (!picture || !sound) return { offsets, arrivals };
  for (const beep of beeps) {
    const beepUs = ntpUs(sound, beep.rtpTs, SOUND_HZ);
    const apart = (flash: Found): number => beepUs - ntpUs(picture, flash.rtpTs, VIDEO_HZ);
    const flash = flashes.find((one) => Math.abs(apart(one)) < 500_000);
    if (!flash) continue;
    offsets.push((apart(flash) * FPS) / 1e6);
    arrivals.push(((beep.arrivalMs - flash.arrivalMs) * FPS) / 1000);
  }
  return { offsets, arrivals };
}

const until = async (done: () => boolean, what: string): Promise<void> => {
  const from = performance.now();
  while (!done()) {
    if (performance.now() - from > FIRST_MS) throw new Error(`Within a minute there was no ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

async function open(server: Pick<RunningServer, 'url' | 'apiToken'>, options: AvOffsetOptions) {
  const { feed = 'av', rendition = 'program', mixer = false } = options;
  const { url, apiToken: token } = server;
  const camera = new FlashBeepCamera(FPS);
  const closers: (() => unknown)[] = [() => camera.close()];
  const close = async (): Promise<void> => {
    for (const one of closers.splice(0).reverse()) await one();
  };
  try {
    const picture = await openPublisher({
      url: `${url}/whip/${feed}`,
      token,
      sound: mixer ? 'none' : 'beside',
      onKeyRequest: () => camera.requestKey(),
    });
    closers.push(() => picture.close());
    let sound: Publisher = picture;
    if (mixer) {
      sound = await openPublisher({ url: `${url}/whip/${feed}/sound`, token, sound: 'alone' });
      closers.push(() => sound.close());
    }
    camera.play(picture, sound);
    const watch: Watch = { flashes: [], beeps: [], reports: {} };
    const eyes = new Eyes((flash) => watch.flashes.push(flash));
    const ears = new Ears((beep) => watch.beeps.push(beep));
    closers.push(
      () => eyes.close(),
      () => ears.close(),
    );
    const viewer: Viewer = await openViewer({
      url: `${url}/whep/${feed}/${rendition}`,
      token,
      onFrame: (frame) => eyes.see(frame),
      onSound: (packet) => ears.hear(packet),
      onSenderReport: (of, report) => {
        watch.reports[of] = report;
      },
    });
    closers.push(() => viewer.close());
    return { watch, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Measures for a time; the server's picture may take a minute to come first. Throws where nothing came. */
export async function measureAvOffset(options: AvOffsetOptions): Promise<AvOffset> {
  const own = options.server ? null : await ownServer();
  const server = options.server ?? (own as RunningServer);
  try {
    const { watch, close } = await open(server, options);
    try {
      await until(() => watch.flashes.length > 0, 'flash in the picture');
      await until(() => watch.beeps.length > 0 && Object.keys(watch.reports).length === 2, 'sound with sender reports');
      await new Promise((resolve) => setTimeout(resolve, options.settleMs ?? SETTLE_MS));
      watch.flashes.length = 0;
      watch.beeps.length = 0;
      const collected: { offsets: number[]; arrivals: number[] } = { offsets: [], arrivals: [] };
      const began = performance.now();
      // A few at a time, so that every pair is judged by the reports of its own time.
      for (let left = options.seconds; left > 0; left -= 2) {
        await new Promise((resolve) => setTimeout(resolve, 2000));
        const found = offsetsOf(watch);
        collected.offsets.push(...found.offsets);
        collected.arrivals.push(...found.arrivals);
        watch.flashes = watch.flashes.slice(-1);
        watch.beeps = [];
      }
      const seconds = Math.floor((performance.now() - began) / 1000);
      const offsetFramesMax = Math.max(0, ...collected.offsets.map(Math.abs));
      return { offsetFramesMax, ...collected, missed: Math.max(0, seconds - collected.offsets.length) };
    } finally {
      await close();
    }
  } finally {
    await own?.close();
  }
}

async function ownServer(): Promise<RunningServer> {
  const config = loadConfig(undefined, {
    server: { port: 0 },
    stage: { demo: false },
    store: { keep: false },
    log: { level: 'error' },
  });
  return startServer({ config, log: createLog(config.log) });
}

export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { json: { type: 'boolean' }, quick: { type: 'boolean' }, seconds: { type: 'string' } },
  });
  quietCodecs();
  const began = performance.now();
  const seconds = Number(values.seconds ?? (values.quick ? 10 : 600));
  const server = await ownServer();
  const measured: Record<string, AvOffset> = {};
  try {
    const parts: [string, AvOffsetOptions][] = [
      ['program', { seconds, server, feed: 'av' }],
      ['plate', { seconds: Math.min(seconds, 20), server, feed: 'av-plate', rendition: 'plate' }],
      ['mixer', { seconds: Math.min(seconds, 20), server, feed: 'av-mixer', mixer: true }],
    ];
    for (const [name, options] of parts) {
      say(`sound against picture: ${name}, ${options.seconds} s`);
      measured[name] = await measureAvOffset(options);
    }
  } finally {
    await server.close();
  }
  const sizes = (values: readonly number[] = []): number[] => values.map(Math.abs);
  const max = (name: string): number[] => (measured[name]?.offsets.length ? [measured[name].offsetFramesMax] : []);
  const gates = [
    gate('av_offset_frames', '<=', 1, max('program')),
    gate('av_offset_arrival_frames_p50', '<=', 1, [median(sizes(measured.program?.arrivals))]),
    gate('av_offset_arrival_frames_p95', '<=', 1, [quantile(sizes(measured.program?.arrivals), 0.95)]),
    gate('av_offset_plate_frames', '<=', 1, max('plate')),
    gate('av_offset_mixer_frames', '<=', 1, max('mixer')),
  ];
  return publish('av-offset', began, gates, measured, values.json ?? false);
}
