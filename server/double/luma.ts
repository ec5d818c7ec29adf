/** Luma of encoded R, G, B (BT.709), all 0–1. */
export const luma = (r: number, g: number, b: number): number => 0.2126 * r + 0.7152 * g + 0.0722 * b;
