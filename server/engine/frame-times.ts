import type { FromEngine } from '../channel/messages.ts';
import { monotonicUs } from '../media/rtp/clock.ts';

type Traced = Extract<FromEngine, { type: 'traced' }>;

/** The stages of one frame that somebody asked to be traced, as the pipeline passes through them. */
export class FrameTimes {
  readonly #id: number;
  readonly #stages: Traced['stages'] = [];
  /** performance.now() to the monotonic clock, which every process of this machine shares. */
  readonly #offsetUs = monotonicUs() - performance.now() * 1000;

  constructor(id: number) {
    this.#id = id;
  }

  add(stage: string, beganMs: number, endedMs = performance.now()): void {
    const us = (ms: number): number => Math.round(ms * 1000 + this.#offsetUs);
    this.#stages.push({ stage, beginUs: us(beganMs), endUs: us(endedMs) });
  }

  /** Stages of which only the lengths are known, one after the other from `beganMs`. */
  chain(beganMs: number, lengths: Record<string, number>): void {
    let at = beganMs;
    for (const [stage, ms] of Object.entries(lengths)) {
      this.add(stage, at, at + ms);
      at += ms;
    }
  }

  message(outcome: Traced['outcome']): Traced {
    return { type: 'traced', id: this.#id, outcome, stages: this.#stages };
  }
}
