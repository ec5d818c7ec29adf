/** The audio thread's part of timecode: every sample of one raw channel goes through the decoder, before anything else touches it. */
import { LtcDecoder, type LtcFrame } from '../../server/wire/ltc.ts';

declare const sampleRate: number;
declare const currentFrame: number;
declare function registerProcessor(name: string, processor: unknown): void;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}

export interface HeardFrame {
  frame: LtcFrame;
  /** Sample that the audio thread had come to when it was told: with its arrival at the page it puts samples on the page's clock. */
  nowSample: number;
  sampleRate: number;
}

class Ltc extends AudioWorkletProcessor {
  #first = -1;
  readonly #decoder = new LtcDecoder(sampleRate, (frame) => {
    const sample = frame.sample + this.#first;
    const heard: HeardFrame = { frame: { ...frame, sample }, nowSample: currentFrame + 128, sampleRate };
    this.port.postMessage(heard);
  });

  process(inputs: Float32Array[][], _outputs: unknown, _parameters: unknown): boolean {
    const samples = inputs[0]?.[0];
    if (!samples) return true;
    if (this.#first < 0) this.#first = currentFrame;
    this.#decoder.push(samples);
    return true;
  }
}

registerProcessor('understudy-ltc', Ltc);
