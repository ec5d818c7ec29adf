/** What really goes out, by the browser's own count. */
export interface SentStats {
  /** Bits per second over the last second. */
  bitrate: number;
  fps: number;
  width: number;
  height: number;
  /** Why the browser sends less than asked: none, cpu, bandwidth, other. */
  limitation: string;
  /** The same reason once it has lasted: every connection starts small and grows for some seconds. */
  limited: string;
  codec: string;
  roundTripMs: number | null;
  lostPct: number | null;
  connected: boolean;
}

interface Entry {
  type: string;
  kind?: string;
  timestamp: number;
  bytesSent?: number;
  framesPerSecond?: number;
  frameWidth?: number;
  frameHeight?: number;
  qualityLimitationReason?: string;
  codecId?: string;
  mimeType?: string;
  roundTripTime?: number;
  fractionLost?: number;
  id: string;
}

/** Seconds (reads) that a limitation lasts before it is worth a word. */
const LASTING_READS = 8;

/** Reads a sending connection once a second. Owns its timer; `close()` stops it. */
export class SendMeter {
  readonly #pc: RTCPeerConnection;
  readonly #tell: (stats: SentStats) => void;
  readonly #timer: ReturnType<typeof setInterval>;
  #before: { bytes: number; ms: number } | null = null;
  #lasting = { reason: 'none', reads: 0 };

  constructor(pc: RTCPeerConnection, tell: (stats: SentStats) => void) {
    this.#pc = pc;
    this.#tell = tell;
    this.#timer = setInterval(() => void this.#read(), 1000);
  }

  async #read(): Promise<void> {
    const report = await this.#pc.getStats().catch(() => null);
    if (!report) return;
    const entries = [...report.values()] as Entry[];
    const out = entries.find(({ type, kind }) => type === 'outbound-rtp' && kind === 'video');
    if (!out) return;
    const back = entries.find(({ type, kind }) => type === 'remote-inbound-rtp' && kind === 'video');
    const codec = entries.find(({ id }) => id === out.codecId)?.mimeType ?? '';
    const bytes = out.bytesSent ?? 0;
    const before = this.#before;
    this.#before = { bytes, ms: out.timestamp };
    const limitation = out.qualityLimitationReason ?? 'none';
    const { reason, reads } = this.#lasting;
    this.#lasting = { reason: limitation, reads: (reason === 'none') === (limitation === 'none') ? reads + 1 : 0 };
    this.#tell({
      bitrate: before ? ((bytes - before.bytes) * 8000) / Math.max(1, out.timestamp - before.ms) : 0,
      fps: out.framesPerSecond ?? 0,
      width: out.frameWidth ?? 0,
      height: out.frameHeight ?? 0,
      limitation,
      limited: this.#lasting.reads >= LASTING_READS ? limitation : 'none',
      codec: codec.replace('video/', ''),
      roundTripMs: back?.roundTripTime === undefined ? null : back.roundTripTime * 1000,
      lostPct: back?.fractionLost === undefined ? null : back.fractionLost * 100,
      connected: this.#pc.connectionState === 'connected',
    });
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
