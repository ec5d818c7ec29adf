/** The low rendition is the program at half size, even, but not narrower than this (px). */
const LOW_SHARE = 0.5;
const LOW_WIDTH = 320;

/** The size of the low rendition for a program's; never larger than that. */
export function lowSize(width: number, height: number): { width: number; height: number } {
  const share = Math.min(1, Math.max(LOW_SHARE, LOW_WIDTH / width));
  const even = (size: number): number => Math.max(16, Math.round((size * share) / 2) * 2);
  return { width: Math.min(width, even(width)), height: Math.min(height, even(height)) };
}
