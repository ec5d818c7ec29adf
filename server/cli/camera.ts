import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { VIDEO_CLOCK, type VideoCodec } from '../frame/coded.ts';
import { UNKNOWN_COLOUR } from '../frame/frame.ts';
import { openPublisher, type Publisher } from '../media/peer/publisher.ts';
import { monotonicUs } from '../media/rtp/clock.ts';
import { profileLevelId } from './avcc.ts';
import { CameraSound } from './camera-sound.ts';
import {
  CommandError,
  interrupted,
  parseBitrate,
  parseCount,
  parseSize,
  parseWhole,
  runCommand,
  withToken,
} from './command.ts';
import { type CameraFrame, FileCamera, type FileCameraOptions } from './file-camera.ts';
import { Pace } from './pace.ts';
import { SOUND_HZ } from './sound-encoder.ts';
import { soundChannels } from './sound-file.ts';
import { TimecodeTeller } from './timecode-teller.ts';
import { VideoFile } from './video-file.ts';

/** Servers report twice a second; one that does not is not waited for longer. */
const ARRIVE_MS = 1500;

const USAGE = `understudy camera --file CLIP --to URL [options]
  Publishes a video file as a camera (WHIP).
  --file CLIP      any video file that FFmpeg reads
  --to URL         the feed's address, like http://127.0.0.1:8080/whip/a
  --token TOKEN    the camera's token (or in the environment: UNDERSTUDY_TOKEN)
  --relay          tries the server's TURN server too, where no direct way leads to it (media.turn)
  --loop           begins anew at the end, until Ctrl-C
  --fps N          plays the pictures at this rate instead of the file's own times
  --size WxH       scales the pictures
  --codec CODEC    h264 (default) or vp8
  --bitrate RATE   default 6M
  --seconds N      stops after this time
  --mute           leaves the file's sound out (as --fps does: it would part from the picture)
  --ltc CHANNEL    this channel of the file's sound, from 1, holds timecode (LTC): it is told to the server and not sent as sound
  --copy           sends the file's own H.264 (no B frames) without encoding it again
`;

interface CameraCommand extends FileCameraOptions {
  file: string;
  to: string;
  token?: string;
  relay: boolean;
  seconds: number;
  mute: boolean;
  /** The channel with timecode, from 1. */
  ltc: number | null;
}

function parseCodec(text: string): VideoCodec {
  if (text !== 'h264' && text !== 'vp8')
    throw new CommandError(`"${text}" is not a codec that a camera can send: h264 or vp8.`);
  return text;
}

function parseCommand(args: string[]): CameraCommand {
  const { values } = parseArgs({
    args: withToken(args),
    options: {
      file: { type: 'string' },
      to: { type: 'string' },
      token: { type: 'string' },
      loop: { type: 'boolean', default: false },
      fps: { type: 'string' },
      size: { type: 'string' },
      codec: { type: 'string', default: 'h264' },
      bitrate: { type: 'string', default: '6M' },
      seconds: { type: 'string' },
      copy: { type: 'boolean', default: false },
      mute: { type: 'boolean', default: false },
      ltc: { type: 'string' },
      relay: { type: 'boolean', default: false },
    },
  });
  if (!values.file || !values.to) throw new CommandError(`A camera needs --file and --to.\n\n${USAGE}`);
  const command: CameraCommand = {
    file: values.file,
    to: values.to,
    loop: values.loop,
    codec: parseCodec(values.codec),
    bitrate: parseBitrate(values.bitrate),
    copy: values.copy,
    mute: values.mute || values.fps !== undefined,
    ltc: values.ltc === undefined ? null : parseWhole(values.ltc, 'ltc', 64),
    relay: values.relay,
    seconds: values.seconds === undefined ? Infinity : parseCount(values.seconds, 'seconds', 1e6),
  };
  // The environment keeps it out of the process list.
  const token = values.token ?? process.env.UNDERSTUDY_TOKEN;
  if (token) command.token = token;
  if (values.fps !== undefined) command.fps = parseCount(values.fps, 'fps', 120);
  if (values.size !== undefined) command.size = parseSize(values.size);
  if (command.copy && command.codec !== 'h264')
    throw new CommandError('--copy sends H.264: leave out --codec or --copy.');
  return command;
}

/** Sends frames at their times until they end, the time is up, or `signal` fires. Returns the frames sent. */
export async function play(
  frames: AsyncIterable<CameraFrame>,
  send: (frame: CameraFrame, slippedMs: number) => void,
  seconds: number,
  signal: AbortSignal,
): Promise<number> {
  const pace = new Pace();
  const source: AsyncIterator<CameraFrame, unknown> = frames[Symbol.asyncIterator]();
  let sent = 0;
  // One frame is made ahead, so that it is there when its time comes.
  let coming = source.next();
  for (;;) {
    const next = await coming;
    if (next.done || next.value.time >= seconds * VIDEO_CLOCK) break;
    const frame = next.value;
    await pace.until((frame.time * 1000) / VIDEO_CLOCK, signal);
    if (signal.aborted) break;
    send(frame, pace.slippedMs);
    sent++;
    coming = source.next();
  }
  await source.return?.();
  return sent;
}

/** The file's sound and timecode, where it has any and they are wanted. Null where there is nothing to play. */
async function openSound(command: CameraCommand, publisher: () => Publisher | null) {
  const channels = command.mute ? 0 : await soundChannels(command.file);
  const { ltc } = command;
  if (ltc !== null && ltc > channels)
    throw new CommandError(
      `${command.file} has no sound channel ${ltc}: it has ${channels} (and none with --mute or --fps).`,
    );
  if (channels === 0) return null;
  const teller = ltc === null ? null : new TimecodeTeller(command.to, command.token);
  const sound = new CameraSound({
    path: command.file,
    channels,
    ltc,
    send: (audio) => publisher()?.sendSound(audio),
    timecode: (frame, captureUs) => teller?.tell(frame, captureUs),
  });
  return {
    begin: (beganUs: number, firstTs: number) => sound.begin(beganUs, firstTs),
    close: () => {
      sound.close();
      teller?.close();
    },
  };
}

async function publish(command: CameraCommand, file: VideoFile): Promise<void> {
  let publisher: Publisher | null = null;
  const sound = await openSound(command, () => publisher);
  const soundTs = randomInt(0, 2 ** 32);
  /** When the schedule began, this machine's monotonic clock. */
  let beganUs = 0;
  const atUs = (time: number): number => beganUs + Math.round((time * 1e6) / VIDEO_CLOCK);
  const begins = (time: number): void =>
    sound?.begin(atUs(time), (soundTs + Math.round((time * SOUND_HZ) / VIDEO_CLOCK)) >>> 0);
  const camera = new FileCamera(file, { ...command, begins });
  const stop = interrupted();
  const lost = new AbortController();
  let reason = '';
  try {
    const profile = command.copy ? profileLevelId(file.codecDescription) : null;
    publisher = await openPublisher({
      url: command.to,
      ...(command.token ? { token: command.token } : {}),
      relay: command.relay,
      ...(profile ? { profileLevelId: profile } : {}),
      codec: command.codec,
      sound: sound ? 'beside' : 'none',
      onKeyRequest: () => camera.requestKey(),
      onClosed: (why) => {
        reason = why;
        lost.abort();
      },
    });
    const { width, height } = command.size ?? file;
    process.stderr.write(`Publishing ${file.path}, ${width}×${height}, to ${command.to}. Ctrl-C ends it.\n`);
    const base = randomInt(0, 2 ** 32);
    const { codec } = command;
    const open = publisher;
    beganUs = monotonicUs();
    const sent = await play(
      camera.frames(),
      (frame, slippedMs) =>
        open.send({
          codec,
          key: frame.key,
          // A schedule that moved is time that passed: the receiver must see it so.
          rtpTs: (base + frame.time + Math.round((slippedMs * VIDEO_CLOCK) / 1000)) >>> 0,
          captureUs: atUs(frame.time) + Math.round(slippedMs * 1000),
          width: frame.width,
          height: frame.height,
          colour: UNKNOWN_COLOUR,
          bytes: frame.bytes,
        }),
      command.seconds,
      AbortSignal.any([stop.signal, lost.signal]),
    );
    if (!stop.signal.aborted) await open.arrived(ARRIVE_MS);
    if (lost.signal.aborted) throw new CommandError(`The camera was cut off after ${sent} frames. ${reason}`);
    const stats = publisher.stats();
    process.stderr.write(
      `Sent ${sent} frames (${stats.packets} packets, ${stats.nacks} repair requests, ${stats.keyRequests} key frame requests).\n`,
    );
  } finally {
    stop.cancel();
    sound?.close();
    camera.close();
    await publisher?.close();
  }
}

/** `understudy camera`: publishes a file. Returns the exit code. */
export const camera = (args: string[]): Promise<number> =>
  runCommand(args, USAGE, async () => {
    const command = parseCommand(args);
    const file = await VideoFile.open(command.file);
    try {
      await publish(command, file);
    } finally {
      await file.close();
    }
  });
