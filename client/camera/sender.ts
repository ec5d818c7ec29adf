import { batch, computed, effect, type ReadonlySignal, signal } from '@preact/signals';
import type { FeedInfo } from '../../server/wire/messages.ts';
import { Link } from '../shared/link.ts';
import type { Connection } from '../shared/peer.ts';
import { publish } from '../shared/whip.ts';
import { Microphone } from './microphone.ts';
import { openSource, type Source, type SourceSettings, sourceTrouble } from './sources.ts';
import { SendMeter, type SentStats } from './stats.ts';

export interface CameraSettings extends SourceSettings {
  feed: string;
  /** Bits per second; null takes what suits the size. */
  maxBitrate: number | null;
  /** Null: a camera keeps its rate (motion is what a set looks at), a test picture its size. */
  keep: 'rate' | 'size' | null;
}

/** What a moving face needs at 24–30 fps without visible blocks, bits per second. */
export function suitedBitrate(height: number): number {
  if (height <= 360) return 1_800_000;
  return height <= 720 ? 4_500_000 : 9_000_000;
}

const DEFAULTS: CameraSettings = {
  kind: 'camera',
  width: 1280,
  height: 720,
  fps: 30,
  deviceId: null,
  over: 'grey',
  file: null,
  feed: 'camera',
  maxBitrate: null,
  keep: null,
};

/**
 * A picture source and, while on air, its connection to a feed. Changing what is sent keeps the connection.
 * `close()` ends both.
 */
export class Sender {
  readonly settings = signal<CameraSettings>(DEFAULTS);
  readonly #source = signal<Source | null>(null);
  readonly #trouble = signal<{ title: string; text: string } | null>(null);
  readonly #opening = signal(false);
  readonly #stats = signal<SentStats | null>(null);
  readonly link: Link<Connection>;
  readonly microphone = new Microphone();
  #run = 0;
  #stops: (() => void)[] = [];

  constructor(settings: Partial<CameraSettings>) {
    this.settings.value = { ...DEFAULTS, ...settings };
    this.link = new Link(() => this.#publish());
    this.#stops.push(
      effect(() => {
        const pc = this.link.connection.value?.pc;
        this.#stats.value = null;
        if (!pc) return;
        const meter = new SendMeter(pc, (stats) => {
          this.#stats.value = stats;
        });
        return () => meter.close();
      }),
    );
    this.#stops.push(
      effect(() => {
        const sound = this.microphone.track.value;
        const senders = this.link.connection.value?.pc.getTransceivers() ?? [];
        const audio = senders.find(({ receiver }) => receiver.track.kind === 'audio');
        // A connection that is just closing refuses: the next one takes the track from the start.
        void audio?.sender.replaceTrack(sound).catch(() => null);
      }),
    );
    const devices = navigator.mediaDevices as MediaDevices | undefined;
    const changed = () => {
      if (this.#trouble.peek()?.title === 'No camera found') void this.open();
    };
    devices?.addEventListener('devicechange', changed);
    this.#stops.push(() => devices?.removeEventListener('devicechange', changed));
  }

  get source(): ReadonlySignal<Source | null> {
    return this.#source;
  }

  get trouble(): ReadonlySignal<{ title: string; text: string } | null> {
    return this.#trouble;
  }

  get opening(): ReadonlySignal<boolean> {
    return this.#opening;
  }

  get stats(): ReadonlySignal<SentStats | null> {
    return this.#stats;
  }

  readonly onAir = computed(() => this.link.status.value.phase !== 'closed');

  /** Opens the source by the settings; the one before is closed after the new one is there, so that a picture always goes out. */
  async open(change: Partial<CameraSettings> = {}): Promise<void> {
    const run = ++this.#run;
    this.settings.value = { ...this.settings.peek(), ...change };
    this.#opening.value = true;
    // Most cameras cannot be open twice in different sizes.
    if (this.settings.peek().kind === 'camera') this.#drop();
    try {
      const source = await openSource(this.settings.peek());
      if (run !== this.#run) {
        source.close();
        return;
      }
      this.#drop();
      source.track.addEventListener('ended', () => this.#ended(source));
      await this.#replace(source.track);
      batch(() => {
        this.#source.value = source;
        this.#trouble.value = null;
        this.#opening.value = false;
      });
    } catch (error) {
      if (run !== this.#run) return;
      batch(() => {
        this.#trouble.value = sourceTrouble(error);
        this.#opening.value = false;
      });
    }
  }

  #ended(source: Source): void {
    if (this.#source.peek() !== source) return;
    batch(() => {
      this.#drop();
      this.#trouble.value = {
        title: 'No camera found',
        text: 'The camera has gone. Plug it in again; it starts by itself.',
      };
    });
  }

  #drop(): void {
    this.#source.peek()?.close();
    this.#source.value = null;
  }

  async #publish(): Promise<Connection> {
    if (!this.#source.peek()) await this.open();
    const track = this.#source.peek()?.track;
    if (!track) throw new Error('There is no picture to send yet.');
    const { feed, keep, kind } = this.settings.peek();
    const sound = this.microphone.track.peek();
    return publish({
      feed,
      track,
      sound,
      maxBitrate: this.#bitrate(),
      keep: keep ?? (kind === 'camera' ? 'rate' : 'size'),
    });
  }

  #bitrate(): number {
    const { maxBitrate, height } = this.settings.peek();
    return maxBitrate ?? suitedBitrate(height);
  }

  async #replace(track: MediaStreamTrack): Promise<void> {
    const sender = this.link.connection
      .peek()
      ?.pc.getSenders()
      .find(({ track: sent }) => sent?.kind === 'video');
    if (!sender) return;
    track.contentHint = 'motion';
    await sender.replaceTrack(track);
    const parameters = sender.getParameters();
    for (const encoding of parameters.encodings) encoding.maxBitrate = this.#bitrate();
    await sender.setParameters(parameters).catch(() => null);
  }

  go(): void {
    this.link.start();
  }

  stop(): void {
    this.link.close();
  }

  /** After the server came back: sends anew where it does not know of this camera. */
  resume(known: FeedInfo | undefined): void {
    const sending = this.link.status.peek().phase === 'open';
    if (sending && (!known || known.state === 'idle')) this.link.restart();
  }

  close(): void {
    this.#run++;
    this.stop();
    this.#drop();
    this.microphone.close();
    for (const stop of this.#stops.splice(0)) stop();
  }
}
