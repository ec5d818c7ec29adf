import { parseArgs } from 'node:util';
import { openViewer, type ReceivedFrame } from '../media/peer/viewer.ts';
import type { ReceiverStats } from '../media/rtp/receiver.ts';
import { CommandError, interrupted, parseCount, runCommand, withToken } from './command.ts';
import { TakeFile } from './take-file.ts';

const USAGE = `understudy monitor --from URL [options]
  Receives a feed (WHEP) and, if asked, writes it to a file as it comes.
  --from URL       the address, like http://127.0.0.1:8080/whep/a/program
  --token TOKEN    the monitor's token (or in the environment: UNDERSTUDY_TOKEN)
  --relay          tries the server's TURN server too, where no direct way leads to it (media.turn)
  --out TAKE.mp4   writes an MP4 file without encoding again
  --seconds N      stops after this time; else at Ctrl-C
`;

interface MonitorCommand {
  from: string;
  token?: string;
  relay: boolean;
  out?: string;
  seconds: number;
}

function parseCommand(args: string[]): MonitorCommand {
  const { values } = parseArgs({
    args: withToken(args),
    options: {
      from: { type: 'string' },
      token: { type: 'string' },
      out: { type: 'string' },
      seconds: { type: 'string' },
      relay: { type: 'boolean', default: false },
    },
  });
  if (!values.from) throw new CommandError(`A monitor needs --from.\n\n${USAGE}`);
  const command: MonitorCommand = {
    from: values.from,
    relay: values.relay,
    seconds: values.seconds === undefined ? Infinity : parseCount(values.seconds, 'seconds', 1e6),
  };
  // The environment keeps it out of the process list.
  const token = values.token ?? process.env.UNDERSTUDY_TOKEN;
  if (token) command.token = token;
  if (values.out) {
    if (!values.out.endsWith('.mp4'))
      throw new CommandError(`--out writes MP4: give a name that ends in .mp4, not ${values.out}.`);
    command.out = values.out;
  }
  return command;
}

/** Counts frames from the moment of the request. */
class Tally {
  readonly #startMs = performance.now();
  frames = 0;
  keys = 0;
  firstFrameMs = Number.NaN;
  width = 0;
  height = 0;

  add(frame: ReceivedFrame): void {
    if (this.frames === 0) this.firstFrameMs = frame.arrivalMs - this.#startMs;
    this.frames++;
    if (frame.key) this.keys++;
    this.width = frame.width;
    this.height = frame.height;
  }

  line(stats: ReceiverStats): string {
    const rate = (stats.bitrate / 1e6).toFixed(2);
    return `${this.width}×${this.height}  ${stats.fps} fps  ${rate} Mbps  ${this.frames} frames  ${stats.lost} packets lost\n`;
  }

  summary(stats: ReceiverStats): string {
    const first = Number.isNaN(this.firstFrameMs) ? 'none' : `${Math.round(this.firstFrameMs)} ms`;
    return (
      `${this.frames} frames (${this.keys} key frames), first frame after ${first}, ` +
      `${stats.packets} packets, ${stats.lost} lost, ${stats.recovered} repaired, ${stats.reordered} out of order.\n`
    );
  }
}

const ended = (signal: AbortSignal, seconds: number): Promise<void> =>
  new Promise((resolve) => {
    const timer = Number.isFinite(seconds) ? setTimeout(resolve, seconds * 1000) : setInterval(() => undefined, 1e6);
    const stop = (): void => {
      clearTimeout(timer);
      resolve();
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });

async function watchFeed(command: MonitorCommand): Promise<void> {
  const file = command.out ? new TakeFile(command.out) : null;
  const tally = new Tally();
  const stop = interrupted();
  const lost = new AbortController();
  let reason = '';
  try {
    const viewer = await openViewer({
      url: command.from,
      ...(command.token ? { token: command.token } : {}),
      relay: command.relay,
      onFrame: (frame) => {
        tally.add(frame);
        file?.add(frame);
      },
      onClosed: (why) => {
        reason = why;
        lost.abort();
      },
    });
    const lines = setInterval(() => process.stdout.write(tally.line(viewer.stats())), 1000);
    await ended(AbortSignal.any([stop.signal, lost.signal]), command.seconds);
    clearInterval(lines);
    const stats = viewer.stats();
    await viewer.close();
    process.stdout.write(tally.summary(stats));
  } finally {
    stop.cancel();
    await file?.close();
  }
  if (file && file.frames > 0) process.stdout.write(`Wrote ${file.frames} frames to ${command.out}.\n`);
  if (lost.signal.aborted) throw new CommandError(`The monitor was cut off. ${reason}`);
  if (tally.frames === 0) throw new CommandError('No picture came.');
}

/** `understudy monitor`: receives a feed. Returns the exit code. */
export const monitor = (args: string[]): Promise<number> =>
  runCommand(args, USAGE, () => watchFeed(parseCommand(args)));
