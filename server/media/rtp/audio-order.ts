import { type RtpPacket, seqDistance } from './packet.ts';

/** How long a packet that came early waits for those before it: longer than Wi-Fi reorders, shorter than the picture's delay. */
const HOLD_MS = 30;
const MAX_WAITING = 12;
/** A wider jump is another stream, or an outage: nothing in between is waited for or counted. */
const MAX_JUMP = 250;

export interface OrderedPacket {
  packet: RtpPacket;
  arrivalUs: number;
  /** Packets that never came between the one before and this one. */
  lostBefore: number;
}

/** Puts sound packets in order; asks for none again, because a late one is of no use. Times are given by the caller, `flush` every 10 ms or so. */
export class AudioOrder {
  readonly stats = { received: 0, lost: 0, reordered: 0, dropped: 0 };
  /** Highest sequence number so far, unwrapped; -1 before the first. */
  highest = -1;
  readonly #emit: (ordered: OrderedPacket) => void;
  readonly #waiting = new Map<number, { packet: RtpPacket; arrivalUs: number }>();
  #next = -1;
  #lost = 0;
  #heldSinceUs = 0;

  constructor(emit: (ordered: OrderedPacket) => void) {
    this.#emit = emit;
  }

  /** True while a missing packet is waited for. */
  get holds(): boolean {
    return this.#waiting.size > 0;
  }

  push(packet: RtpPacket, arrivalUs: number): void {
    this.stats.received++;
    const ahead = this.highest < 0 ? 0 : seqDistance(packet.seq, this.highest & 0xffff);
    if (this.highest < 0 || Math.abs(ahead) > MAX_JUMP) this.#begin(packet.seq);
    const at = this.highest + (Math.abs(ahead) > MAX_JUMP ? 0 : ahead);
    if (at < this.#next || this.#waiting.has(at)) {
      this.stats.dropped++;
      return;
    }
    if (at < this.highest) this.stats.reordered++;
    this.highest = Math.max(this.highest, at);
    if (!this.holds) this.#heldSinceUs = arrivalUs;
    this.#waiting.set(at, { packet, arrivalUs });
    this.flush(arrivalUs);
  }

  /** Hands on what is in order, and what has waited long enough. */
  flush(nowUs: number): void {
    while (this.#waiting.size > 0) {
      const ready = this.#waiting.get(this.#next);
      if (ready) {
        this.#waiting.delete(this.#next++);
        this.#heldSinceUs = nowUs;
        const lostBefore = this.#lost;
        this.#lost = 0;
        this.#emit({ ...ready, lostBefore });
      } else if (this.#waiting.size > MAX_WAITING || nowUs - this.#heldSinceUs >= HOLD_MS * 1000) {
        this.#next++;
        this.#lost++;
        this.stats.lost++;
      } else return;
    }
  }

  /** Forgets the stream; counts stay. */
  reset(): void {
    this.#waiting.clear();
    this.highest = -1;
  }

  #begin(seq: number): void {
    this.#waiting.clear();
    this.#lost = 0;
    // A cycle up, so that nothing before the first goes negative.
    this.highest = seq + 0x10000;
    this.#next = this.highest;
  }
}
