import { Problem } from '../../config/problem.ts';
import type { CodedAudio, CodedFrame } from '../../frame/coded.ts';
import type { RenditionOptions, RenditionOut, ViewerSession } from '../port.ts';
import { AudioSender, type SoundTarget, type StreamInstant } from './audio-sender.ts';
import type { IceOptions } from './link.ts';
import { KeyPacer } from './pacer.ts';
import { FrameSender } from './sender.ts';
import { RtpViewer } from './viewer.ts';

const CHECK_MS = 1000;

export interface RtpRenditionOptions extends RenditionOptions {
  ice: IceOptions;
  maxViewers: number;
  silenceMs: number;
  nextId(): string;
  closed(): void;
}

/** One encoder's viewers: owns them and the key frame pacer. */
export class RtpRendition implements RenditionOut {
  readonly #options: RtpRenditionOptions;
  readonly #viewers = new Set<RtpViewer>();
  readonly #sender: FrameSender;
  readonly #soundSender = new AudioSender();
  readonly #keys: KeyPacer;
  readonly #check: NodeJS.Timeout;
  /** Targets of the frame being sent: kept to spare an allocation per frame. */
  readonly #targets: RtpViewer[] = [];
  readonly #soundTargets: SoundTarget[] = [];
  /** The last instants that went out, for sender reports. */
  #picture: StreamInstant | null = null;
  #sound: StreamInstant | null = null;
  #opening = 0;
  #closed = false;

  constructor(options: RtpRenditionOptions) {
    this.#options = options;
    this.#sender = new FrameSender(options.codec);
    this.#keys = new KeyPacer(() => options.keyWanted());
    this.#check = setInterval(() => {
      for (const viewer of this.#viewers) {
        viewer.check();
        viewer.report(this.#picture, this.#sound);
      }
    }, CHECK_MS);
    this.#check.unref();
  }

  get viewers(): number {
    return this.#viewers.size;
  }

  async addViewer(offer: string, closed: (reason: string) => void): Promise<ViewerSession> {
    if (this.#closed) throw new Problem('engine_down');
    if (this.#viewers.size + this.#opening >= this.#options.maxViewers) throw new Problem('full');
    let viewer: RtpViewer | null = null;
    this.#opening++;
    try {
      viewer = await RtpViewer.open(this.#options.nextId(), offer, {
        ice: this.#options.ice,
        codec: this.#options.codec,
        stream: this.#options.stream?.(),
        silenceMs: this.#options.silenceMs,
        keyWanted: () => this.#keys.request(),
        closed: (reason) => {
          if (viewer) this.#viewers.delete(viewer);
          closed(reason);
        },
      });
    } finally {
      this.#opening--;
    }
    this.#viewers.add(viewer);
    if (this.#closed) viewer.close('The rendition was closed.');
    return viewer;
  }

  send(frame: CodedFrame): void {
    if (frame.codec !== this.#options.codec)
      throw new Error(`A ${frame.codec} frame came to a ${this.#options.codec} rendition.`);
    if (frame.key) this.#keys.satisfied();
    this.#picture = { rtpTs: frame.rtpTs, captureUs: frame.captureUs };
    const targets = this.#targets;
    targets.length = 0;
    for (const viewer of this.#viewers) if (viewer.takes(frame.key)) targets.push(viewer);
    if (targets.length > 0) this.#sender.send(frame, targets);
  }

  sendSound(audio: CodedAudio): void {
    this.#sound = { rtpTs: audio.rtpTs, captureUs: audio.captureUs };
    const targets = this.#soundTargets;
    targets.length = 0;
    for (const viewer of this.#viewers) if (viewer.sound && viewer.ready) targets.push(viewer.sound);
    if (targets.length > 0) this.#soundSender.send(audio, targets);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#check);
    this.#keys.close();
    for (const viewer of [...this.#viewers]) viewer.close('The rendition was closed.');
    this.#options.closed();
  }
}
