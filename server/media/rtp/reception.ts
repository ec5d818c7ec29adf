import type { ReceptionReport } from './rtcp.ts';

/** What a receiver's reports say of its network. */
export class Reception {
  /** Of the packets between its last two reports, 0–1; null before the first. */
  fractionLost: number | null = null;
  /** Milliseconds there and back; null before its first report that follows one of ours. */
  roundTripMs: number | null = null;

  /**
   * @param nowNtpMiddle the middle 32 bits of the NTP time at which the report came, on the clock of our own sender reports:
   *   round trip = now − LSR − DLSR in 1/65536 s, on the 32-bit circle (RFC 3550 §6.4.1).
   */
  note(report: ReceptionReport, nowNtpMiddle: number): void {
    this.fractionLost = report.fractionLost / 256;
    if (report.lastSr === 0) return;
    const ticks = (nowNtpMiddle - report.lastSr - report.delaySinceLastSr) | 0;
    // Clocks that are rounded differently may make a round trip on one machine a little less than nothing.
    if (ticks > -655 && ticks < 65_536 * 60) this.roundTripMs = (Math.max(0, ticks) * 1000) / 65_536;
  }
}
