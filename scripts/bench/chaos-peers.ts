/**
 * A peer of `bench chaos`, in a process of its own: a camera or a monitor that connects again by itself. A monitor may decode and look at
 * every picture; it notes each with its time.
 */
import { Decoder } from '../../server/engine/decoder.ts';
import { Pictures } from '../../server/engine/pictures.ts';
import { quietCodecs } from '../../server/engine/quiet.ts';
import { Arena } from '../../server/frame/arena.ts';
import type { CodedFrame } from '../../server/frame/coded.ts';
import { openPublisher, type Publisher } from '../../server/media/peer/publisher.ts';
import { openViewer, type Viewer } from '../../server/media/peer/viewer.ts';
import type { ReceiverStats } from '../../server/media/rtp/receiver.ts';
import { FaceWatch, type Seen } from './chaos-faces.ts';
import { Kept } from './chaos-kept.ts';
import { type ClipOptions, codedClip } from './clip.ts';
import type { Rate } from './peers.ts';
import { ThroughRelay } from './through-relay.ts';

export type ChaosOrder =
  | { order: 'film'; url: string; token: string; clip: ClipOptions; rate: Rate }
  /** `look`: decode every picture and compare its face with the clip's, as coded at `bitrate`. */
  | { order: 'watch'; url: string; token: string; look: { clip: ClipOptions; bitrate: number } | null }
  | { order: 'relayed'; port: number }
  | { order: 'take' }
  | { order: 'close' };

/** A whole frame in order at a monitor. `seen` is null where it is not looked at, or could not be decoded. */
export interface Note {
  rtpTs: number;
  /** CLOCK_MONOTONIC, as the relay's. */
  atMs: number;
  key: boolean;
  bytes: number;
  seen: Seen | null;
}

export type ChaosAnswer =
  | { answer: 'ready'; rawLimit: number }
  | { answer: 'relay'; host: string; port: number }
  /** Since the last take; `lost` and `opened` since the beginning. */
  | {
      answer: 'taken';
      notes: Note[];
      lost: number;
      opened: number;
      undecodable: number;
      /** Of a monitor's present connection: what its packets went through. */
      packets: ReceiverStats | null;
    }
  | { answer: 'failed'; sentence: string };

const CLOCK = 90_000;
/** A picture this young needs no new connection (client/monitor/model.ts). */
const ALIVE_MS = 700;
/** One frame of H.264 in kernel memory takes 1.4 MB at 720p. */
const MEMORY_MB = 128;

const say = (answer: ChaosAnswer): void => void process.send?.(answer);
const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;
const relay = new ThroughRelay((host, port) => say({ answer: 'relay', host, port }));
let kept: Kept<Publisher> | Kept<Viewer> | null = null;
let watching: Kept<Viewer> | null = null;
let notes: Note[] = [];
let undecodable = 0;

async function film({ url, token, clip: options, rate }: Extract<ChaosOrder, { order: 'film' }>): Promise<void> {
  const clip = await codedClip(options);
  let index = 0;
  let sent = 0;
  const camera = new Kept<Publisher>({
    url,
    token,
    open: async (lost) => {
      const publisher = await openPublisher({
        url: `${url}/whip/bench`,
        token,
        rewriteAnswer: relay.rewrite,
        onClosed: lost,
        onKeyRequest: () => {
          index = 0;
        },
      });
      index = 0;
      return publisher;
    },
    end: (publisher) => publisher.close(),
    alive: (feed) => feed !== undefined && feed.state !== 'idle',
    ready: () => true,
  });
  kept = camera;
  await camera.begin();
  const began = performance.now();
  const tick = (): void => {
    camera.connection?.send({
      ...(clip[index] as CodedFrame),
      rtpTs: Math.round((sent * CLOCK * rate.den) / rate.num) >>> 0,
    });
    index = (index + 1) % clip.length;
    sent++;
    setTimeout(tick, Math.max(0, began + (sent * 1000 * rate.den) / rate.num - performance.now() - 0.5));
  };
  tick();
  say({ answer: 'ready', rawLimit: 0 });
}

/** Looks at pictures one after the other; a note is given out when its picture has been looked at. */
class Looker {
  readonly #pictures = new Pictures(new Arena(MEMORY_MB));
  readonly #watch: FaceWatch;
  readonly #decoder: Decoder;
  #chain: Promise<void> = Promise.resolve();

  constructor(watch: FaceWatch) {
    this.#watch = watch;
    this.#decoder = new Decoder(this.#pictures, 'bench');
  }

  push(frame: CodedFrame, note: Note): void {
    this.#chain = this.#chain.then(async () => {
      const decoded = await this.#decoder.decode(frame);
      if ('picture' in decoded) {
        note.seen = this.#watch.look(decoded.picture);
        this.#pictures.give(decoded.picture);
      } else undecodable++;
      notes.push(note);
    });
    this.#chain.catch((error: unknown) => say({ answer: 'failed', sentence: String(error) }));
  }
}
async function watch({ url, token, look }: Extract<ChaosOrder, { order: 'watch' }>): Promise<void> {
  const faces = look ? await FaceWatch.learn(await codedClip(look.clip), look.bitrate) : null;
  const looker = faces ? new Looker(faces) : null;
  let lastMs = 0;
  watching = new Kept<Viewer>({
    url,
    token,
    open: (lost) =>
      openViewer({
        url: `${url}/whep/bench/program`,
        token,
        rewriteAnswer: relay.rewrite,
        onClosed: lost,
        onFrame: (frame) => {
          lastMs = nowMs();
          const note: Note = {
            rtpTs: frame.rtpTs,
            atMs: lastMs,
            key: frame.key,
            bytes: frame.bytes.length,
            seen: null,
          };
          if (looker) looker.push(frame, note);
          else notes.push(note);
        },
      }),
    end: (viewer) => viewer.close(),
    alive: () => nowMs() - lastMs < ALIVE_MS,
    ready: (feed) => feed !== undefined && feed.state !== 'idle',
  });
  kept = watching;
  await watching.begin();
  say({ answer: 'ready', rawLimit: faces?.limit ?? 0 });
}

async function obey(order: ChaosOrder): Promise<void> {
  if (order.order === 'film') await film(order);
  else if (order.order === 'watch') await watch(order);
  else if (order.order === 'relayed') relay.answered(order.port);
  else if (order.order === 'take') {
    const packets = watching?.connection?.stats() ?? null;
    say({ answer: 'taken', notes, lost: kept?.lost ?? 0, opened: kept?.opened ?? 0, undecodable, packets });
    notes = [];
  } else {
    await kept?.close();
    process.exit(0);
  }
}

if (process.send) {
  quietCodecs();
  process.on('message', (order: ChaosOrder) => {
    obey(order).catch((error: unknown) =>
      say({ answer: 'failed', sentence: error instanceof Error ? error.message : String(error) }),
    );
  });
  process.on('disconnect', () => process.exit(0));
}
