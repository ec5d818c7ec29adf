/** Opus packets as far as they must be understood without decoding them. */

export const OPUS_HZ = 48_000;

/** Ticks of 48 kHz in one Opus frame, by the configuration number (RFC 6716 §3.1, table 2). */
function frameTicks(configuration: number): number {
  if (configuration < 12) return [480, 960, 1920, 2880][configuration & 3] as number;
  if (configuration < 16) return [480, 960][configuration & 1] as number;
  return [120, 240, 480, 960][configuration & 3] as number;
}

/** How long a packet sounds, in ticks of 48 kHz (RFC 6716 §3); 0 for what is no Opus packet (over 120 ms, or empty). */
export function opusTicks(packet: Uint8Array): number {
  const [first, second = 0] = packet;
  if (first === undefined) return 0;
  const code = first & 3;
  const frames = code === 0 ? 1 : code === 3 ? second & 0x3f : 2;
  const ticks = frames * frameTicks(first >> 3);
  return ticks <= (120 * OPUS_HZ) / 1000 ? ticks : 0;
}
