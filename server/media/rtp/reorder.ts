import { type RtpPacket, seqDistance } from './packet.ts';

export interface ReorderEvents {
  /** Packets in order, without gaps except those announced by `gap`. */
  packet(packet: RtpPacket): void;
  /** `lost` packets will not come: what was begun with them cannot be completed. */
  gap(lost: number): void;
  /** Sequence numbers to ask for again, ascending. */
  nack(seqs: number[]): void;
  /** A repair takes long: a key frame, asked for now, may be there when it is given up. */
  late(): void;
}

export interface ReorderStats {
  received: number;
  /** Never came within the time limit. */
  lost: number;
  /** Came after we asked for them. */
  recovered: number;
  /** Came out of order on their own. */
  reordered: number;
  /** Came after we had given them up. */
  late: number;
  duplicates: number;
  nacks: number;
}

/** A packet missing for this long: the next repair may fail as the last ones did, so a key frame is asked for beside it. */
const LATE_MS = 150;
/** Longest wait for a missing packet. Patience pays: a key frame needs a round trip too, and has many packets to lose. */
const GIVE_UP_MS = 300;
/** With more than these missing at once the link is too weak to be repaired: asking on and on would only fill it. */
const MANY_MISSING = 50;
/**
 * Time between two calls counts as no more than this: a loop that was held up finds what came meanwhile still waiting to be read, and
 * must not give it up before.
 */
const LONGEST_STEP_MS = 50;
/** Between two requests for the same packet: a round trip and a little, within these bounds. */
const RETRY_MS = { first: 25, least: 12, most: 90 };
/** Silence after a packet without the marker: the frame's last packet is probably lost. */
const TAIL_SILENCE_MS = 12;
const TAIL_GUESS_PACKETS = 3;
const TAIL_TRIES = 4;
/** A wider jump than this is an outage or a new stream, not a gap to repair. */
const MAX_GAP_PACKETS = 512;
/** More holes than this at once are not repaired one by one: every packet would have to walk through all of them. */
const MAX_MISSING = 1024;
const MAX_ABANDONED = 1024;

interface Missing {
  sinceMs: number;
  askedMs: number;
  tries: number;
}

/**
 * Puts packets back in order and asks for missing ones (generic NACK), with an adaptive retry. A packet in order passes
 * through at once. Times are milliseconds of any monotonic clock, given by the caller: `tick` every 10 ms or so.
 */
export class ReorderBuffer {
  readonly stats: ReorderStats = { received: 0, lost: 0, recovered: 0, reordered: 0, late: 0, duplicates: 0, nacks: 0 };
  /** Highest sequence number so far, unwrapped (cycles in the upper bits); -1 before the first packet. */
  highest = -1;
  readonly #events: ReorderEvents;
  #next = -1;
  readonly #waiting = new Map<number, RtpPacket>();
  readonly #missing = new Map<number, Missing>();
  readonly #abandoned = new Set<number>();
  #retryMs = RETRY_MS.first;
  #clock = { atMs: Number.NaN, patienceMs: 0 };
  #lateAtMs = -Infinity;
  #arrivedMs = 0;
  #frameOpen = false;
  #tail = { tries: 0, askedMs: 0, after: -1 };
  #backward = 0;

  constructor(events: ReorderEvents) {
    this.#events = events;
  }

  push(packet: RtpPacket, atMs: number): void {
    const nowMs = this.#patience(atMs);
    this.stats.received++;
    if (this.highest < 0) this.#begin(packet.seq);
    const ahead = seqDistance(packet.seq, this.highest & 0xffff);
    const at = this.highest + ahead;
    const hopeless = ahead > 1 && this.#missing.size + ahead > MAX_MISSING;
    if (ahead > MAX_GAP_PACKETS || hopeless || this.#isRestart(ahead)) {
      this.#restart(packet, ahead, nowMs);
      return;
    }
    this.#arrivedMs = nowMs;
    if (at < this.#next) {
      if (this.#abandoned.delete(at)) this.stats.late++;
      else this.stats.duplicates++;
      return;
    }
    if (this.#waiting.has(at)) {
      this.stats.duplicates++;
      return;
    }
    this.#note(at, nowMs);
    this.#waiting.set(at, packet);
    this.#drain();
  }

  /** Retries, gives up, and notices a lost end of frame. */
  tick(atMs: number): void {
    const nowMs = this.#patience(atMs);
    let late = false;
    const giveUpMs = this.#missing.size > MANY_MISSING ? LATE_MS : GIVE_UP_MS;
    for (const [at, { sinceMs }] of this.#missing) {
      if (nowMs - sinceMs > giveUpMs) this.#missing.delete(at);
      else if (nowMs - sinceMs > LATE_MS) late = true;
    }
    this.#drain();
    if (late && nowMs - this.#lateAtMs > LATE_MS) {
      this.#lateAtMs = nowMs;
      this.#events.late();
    }
    this.#ask(nowMs);
    this.#askTail(nowMs);
  }

  /** Forgets the stream: the next packet begins another. Counters stay. */
  reset(): void {
    this.#clear();
    this.highest = -1;
    this.#next = -1;
    this.#frameOpen = false;
  }

  /** Milliseconds that have passed while somebody looked. */
  #patience(atMs: number): number {
    const step = Number.isNaN(this.#clock.atMs) ? 0 : atMs - this.#clock.atMs;
    this.#clock.atMs = atMs;
    this.#clock.patienceMs += Math.max(0, Math.min(step, LONGEST_STEP_MS));
    return this.#clock.patienceMs;
  }

  #clear(): void {
    this.#waiting.clear();
    this.#missing.clear();
    this.#abandoned.clear();
    this.#backward = 0;
  }

  #begin(seq: number): void {
    // One full cycle up, so that packets before the first never go negative.
    this.#next = seq + 0x10000;
    this.highest = this.#next - 1;
  }

  /** Far behind, twice running: the sender began a new sequence. */
  #isRestart(ahead: number): boolean {
    this.#backward = ahead < -MAX_GAP_PACKETS ? this.#backward + 1 : 0;
    return this.#backward > 1;
  }

  #restart(packet: RtpPacket, ahead: number, nowMs: number): void {
    this.#clear();
    const lost = Math.max(1, ahead - 1);
    this.stats.lost += lost;
    this.#events.gap(lost);
    this.highest += Math.max(1, ahead & 0xffff);
    this.#next = this.highest + 1;
    this.#arrivedMs = nowMs;
    this.#frameOpen = !packet.marker;
    this.#events.packet(packet);
  }

  #note(at: number, nowMs: number): void {
    if (at > this.highest) {
      if (at === this.#tail.after + 1 && this.#tail.tries > 0) this.stats.recovered++;
      for (let lost = this.highest + 1; lost < at; lost++) {
        this.#missing.set(lost, { sinceMs: nowMs, askedMs: -Infinity, tries: 0 });
      }
      const jumped = at > this.highest + 1;
      this.highest = at;
      if (jumped) this.#ask(nowMs);
      return;
    }
    const missing = this.#missing.get(at);
    if (!missing) return;
    this.#missing.delete(at);
    if (missing.tries === 0) {
      this.stats.reordered++;
      return;
    }
    this.stats.recovered++;
    const roundTripMs = nowMs - missing.askedMs;
    if (missing.tries > 1) return;
    const wished = 0.75 * this.#retryMs + 0.25 * (1.2 * roundTripMs + 5);
    this.#retryMs = Math.min(RETRY_MS.most, Math.max(RETRY_MS.least, wished));
  }

  #drain(): void {
    let gap = 0;
    while (this.#next <= this.highest) {
      const packet = this.#waiting.get(this.#next);
      if (!packet && this.#missing.has(this.#next)) break;
      if (packet) {
        if (gap > 0) this.#events.gap(gap);
        gap = 0;
        this.#waiting.delete(this.#next);
        this.#next++;
        // A probe (padding only) follows a finished frame and says nothing of the next.
        if (packet.payload.length > 0) this.#frameOpen = !packet.marker;
        this.#events.packet(packet);
      } else {
        gap++;
        this.stats.lost++;
        this.#abandoned.add(this.#next);
        this.#next++;
      }
    }
    if (gap > 0) this.#events.gap(gap);
    for (const old of this.#abandoned) {
      if (this.#abandoned.size <= MAX_ABANDONED) break;
      this.#abandoned.delete(old);
    }
  }

  #ask(nowMs: number): void {
    const seqs: number[] = [];
    for (const [at, missing] of this.#missing) {
      if (nowMs - missing.askedMs < this.#retryMs) continue;
      missing.askedMs = nowMs;
      missing.tries++;
      seqs.push(at & 0xffff);
    }
    if (seqs.length === 0) return;
    this.stats.nacks++;
    this.#events.nack(seqs);
  }

  /** Asks for packets that nothing has announced yet; a sender passes over those it has not sent. */
  #askTail(nowMs: number): void {
    const open = this.#frameOpen && this.#missing.size === 0 && this.#waiting.size === 0;
    if (!open || nowMs - this.#arrivedMs < TAIL_SILENCE_MS) return;
    if (this.#tail.after !== this.highest) this.#tail = { tries: 0, askedMs: -Infinity, after: this.highest };
    if (this.#tail.tries >= TAIL_TRIES || nowMs - this.#tail.askedMs < this.#retryMs) return;
    this.#tail.tries++;
    this.#tail.askedMs = nowMs;
    this.stats.nacks++;
    this.#events.nack(Array.from({ length: TAIL_GUESS_PACKETS }, (_, i) => (this.highest + 1 + i) & 0xffff));
  }
}
