import { Problem } from '../../config/problem.ts';
import type { IceCredentials, LinkState, RestartedIce, SoundSession, SoundSink, SoundStats } from '../port.ts';
import { AudioIn } from './audio-in.ts';
import { type IceOptions, Link } from './link.ts';
import { parseSoundOffer } from './sdp.ts';

export interface SoundIngestOptions {
  ice: IceOptions;
  /** A mixer that sends neither sound nor reports for this long has vanished. */
  silenceMs: number;
  sink: SoundSink;
  closed(): void;
}

/** A mixer's connection: sound alone. Owns its link, its receiver and its silence timer. */
export class RtpSoundIngest implements SoundSession {
  readonly id: string;
  readonly #options: SoundIngestOptions;
  readonly #in: AudioIn;
  readonly #silence: NodeJS.Timeout;
  #link: Link | null = null;

  private constructor(id: string, payloadType: number, options: SoundIngestOptions) {
    this.id = id;
    this.#options = options;
    this.#in = new AudioIn({
      payloadType,
      sendRtcp: (packet) => void this.#link?.send(packet),
      sound: (audio) => options.sink.sound(audio),
    });
    this.#silence = setInterval(() => this.#checkSilence(), 1000);
    this.#silence.unref();
  }

  static async open(id: string, sdp: string, options: SoundIngestOptions): Promise<RtpSoundIngest> {
    const offer = parseSoundOffer(sdp);
    const ingest = new RtpSoundIngest(id, offer.sound.format.payloadType, options);
    let answered = false;
    try {
      await Link.open(
        {
          name: 'mixer',
          ice: options.ice,
          offer,
          receiving: true,
          audio: (datagram) => ingest.#in.datagram(datagram),
          state: (state, reason) => {
            if (state === 'closed') ingest.#release();
            if (answered) options.sink.state(state, reason);
          },
        },
        (link) => {
          ingest.#link = link;
        },
        sdp,
      );
    } catch (error) {
      ingest.#release();
      throw error;
    }
    answered = true;
    return ingest;
  }

  get answer(): string {
    return this.#link?.answer ?? '';
  }

  get state(): LinkState {
    return this.#link?.state ?? 'closed';
  }

  trickle(candidates: readonly string[]): void {
    this.#link?.ice.trickle(candidates);
  }

  async restart(client: IceCredentials): Promise<RestartedIce> {
    if (!this.#link) throw new Problem('session_unknown');
    return this.#link.ice.restart(client);
  }

  stats(): SoundStats {
    return this.#in.stats();
  }

  close(reason = 'It was closed.'): void {
    this.#link?.close(reason);
  }

  #checkSilence(): void {
    const silentMs = performance.now() - this.#in.lastDatagramMs;
    if (this.#link?.state === 'connected' && silentMs > this.#options.silenceMs)
      this.close('Nothing came from the mixer any more.');
  }

  #release(): void {
    clearInterval(this.#silence);
    this.#in.close();
    this.#options.closed();
  }
}
