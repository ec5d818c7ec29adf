import { signal } from '@preact/signals';
import type { ClientMessage } from '../../server/wire/messages.ts';
import { timecodeText } from '../../server/wire/timecode.ts';
import type { HeardFrame } from './ltc-worklet.ts';
// Vite gives the module's address; the module itself has no default.
// oxlint-disable-next-line import/default
import workletUrl from './ltc-worklet.ts?worker&url';
import { inputTrouble, openRawInput, type RawInput } from './microphone.ts';

type Heard = Omit<Extract<ClientMessage, { type: 'timecode' }>, 'type' | 'feed'>;

export type LtcChannel = 1 | 2;

/** The server counts on between: a few times a second is enough. */
const TELL_MS = 200;
const LOST_MS = 1000;
const BUCKETS = 10;

/**
 * Sample time → performance.now(), by the smallest difference that the last ten seconds have seen: messages come late, never early.
 */
class SampleClock {
  #buckets: number[] = [];
  #bucketMs = 0;

  /** Milliseconds to add to a sample's own time. */
  offsetMs(sampleMs: number, arrivedMs: number): number {
    const seen = arrivedMs - sampleMs;
    if (arrivedMs - this.#bucketMs >= 1000) {
      this.#buckets.push(seen);
      this.#bucketMs = arrivedMs;
      if (this.#buckets.length > BUCKETS) this.#buckets.shift();
    } else this.#buckets.push(Math.min(this.#buckets.pop() ?? seen, seen));
    return Math.min(...this.#buckets);
  }
}

/** Listens to one channel of a raw input for timecode. Owns its input and audio context; `close()` ends both. */
export class LtcListener {
  /** Null: off. Empty: the browser's own choice. */
  readonly chosen = signal<string | null>(null);
  readonly channel = signal<LtcChannel>(1);
  /** The last timecode, as text; null when none has come for a second. */
  readonly heard = signal<string | null>(null);
  readonly trouble = signal<string | null>(null);
  readonly #tell: (heard: Heard) => void;
  readonly #serverOffsetUs: () => number | null;
  #input: RawInput | null = null;
  #context: AudioContext | null = null;
  #run = 0;
  #toldMs = 0;
  #lost: ReturnType<typeof setTimeout> | undefined;

  /** @param serverOffsetUs to be added to performance.now() × 1000 for the server's clock */
  constructor(serverOffsetUs: () => number | null, tell: (heard: Heard) => void) {
    this.#serverOffsetUs = serverOffsetUs;
    this.#tell = tell;
  }

  async choose(deviceId: string | null, channel: LtcChannel = this.channel.peek()): Promise<void> {
    const run = ++this.#run;
    this.chosen.value = deviceId;
    this.channel.value = channel;
    this.trouble.value = null;
    this.#drop();
    if (deviceId === null) return;
    try {
      const input = await openRawInput(deviceId);
      const context = new AudioContext({ latencyHint: 'interactive' });
      if (run === this.#run) [this.#input, this.#context] = [input, context];
      await context.audioWorklet.addModule(workletUrl);
      await context.resume();
      if (run !== this.#run) {
        input.close();
        if (context.state !== 'closed') void context.close();
        return;
      }
      this.#listen(context, input, channel);
    } catch (error) {
      if (run !== this.#run) return;
      this.#drop();
      this.chosen.value = null;
      this.trouble.value = inputTrouble(error);
    }
  }

  #listen(context: AudioContext, input: RawInput, channel: LtcChannel): void {
    const splitter = context.createChannelSplitter(2);
    const node = new AudioWorkletNode(context, 'understudy-ltc', { numberOfOutputs: 1, channelCount: 1 });
    const mute = context.createGain();
    mute.gain.value = 0;
    // What leads nowhere is not computed: a silent way to the speakers keeps the decoder running.
    context.createMediaStreamSource(input.stream).connect(splitter);
    splitter
      .connect(node, channel - 1)
      .connect(mute)
      .connect(context.destination);
    const clock = new SampleClock();
    node.port.onmessage = ({ data }: MessageEvent<HeardFrame>) => this.#frame(data, clock);
    input.track.addEventListener('ended', () => {
      if (this.#input !== input) return;
      void this.choose(null);
      this.trouble.value = 'The timecode’s input has gone: plug it in, then choose it again.';
    });
  }

  #frame({ frame, nowSample, sampleRate }: HeardFrame, clock: SampleClock): void {
    const ms = (sample: number): number => (sample * 1000) / sampleRate;
    const nowMs = performance.now();
    const offsetMs = clock.offsetMs(ms(nowSample), nowMs);
    const { hours, minutes, seconds, frames, drop, rate, userBits, sample } = frame;
    const code = { hours, minutes, seconds, frames, drop };
    this.heard.value = timecodeText(code);
    clearTimeout(this.#lost);
    this.#lost = setTimeout(() => {
      this.heard.value = null;
    }, LOST_MS);
    const serverOffsetUs = this.#serverOffsetUs();
    if (serverOffsetUs === null || nowMs - this.#toldMs < TELL_MS) return;
    this.#toldMs = nowMs;
    this.#tell({
      code,
      rate,
      userBits: userBits.map((group) => group.toString(16)).join(''),
      captureUs: Math.round((ms(sample) + offsetMs) * 1000 + serverOffsetUs),
    });
  }

  #drop(): void {
    clearTimeout(this.#lost);
    this.heard.value = null;
    this.#input?.close();
    this.#input = null;
    const context = this.#context;
    this.#context = null;
    if (context && context.state !== 'closed') void context.close();
  }

  close(): void {
    this.#run++;
    this.#drop();
  }
}
