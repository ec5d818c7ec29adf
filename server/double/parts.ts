/** Height and width of the parts of a face that are put together from two (features.ts), crop pixels: brow and eye, and lips as wide open as they come. */
export const EYE = [48, 64] as const;
export const MOUTH = [64, 80] as const;
/** From left to right on screen where the performer faces the camera. */
export const EYES = 2;
