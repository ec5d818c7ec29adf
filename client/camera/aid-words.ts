/** A found face in parts of the picture (0–1), as the camera sees it (not mirrored). */
export interface FoundFace {
  left: number;
  top: number;
  width: number;
  height: number;
  /** Mean brightness of the face, 0–255; null when not measured. */
  luma: number | null;
}

export interface Advice {
  /** One plain word or two. */
  word: string;
  good: boolean;
}

/** Below this part of the picture's height a face has too few pixels for the double's skin. */
const SMALL = 0.17;
const LARGE = 0.72;
/** How far the face's middle may be from the picture's, in parts of its width. */
const ASIDE = 0.25;
/** A head is cut off above this, and sits too low below that, in parts of the picture's height. */
const TOP = -0.02;
const LOW = 0.68;
const DARK = 55;
const BRIGHT = 225;

/** The face that is nearest to the camera; null when there is none. */
export function largest(faces: readonly FoundFace[]): FoundFace | null {
  return faces.reduce<FoundFace | null>((best, one) => (best && best.height >= one.height ? best : one), null);
}

/**
 * What the person in front of the camera should do. Left and right are the person's own: a face at the left of the picture
 * belongs to someone who stands too far to their right.
 */
export function advise(faces: readonly FoundFace[]): Advice {
  const face = largest(faces);
  if (!face) return { word: 'No face seen', good: false };
  if (face.luma !== null && face.luma < DARK) return { word: 'More light', good: false };
  if (face.luma !== null && face.luma > BRIGHT) return { word: 'Less light', good: false };
  if (face.height < SMALL) return { word: 'Closer', good: false };
  if (face.height > LARGE) return { word: 'Further back', good: false };
  const aside = face.left + face.width / 2 - 0.5;
  if (Math.abs(aside) > ASIDE) return { word: aside < 0 ? 'To your left' : 'To your right', good: false };
  if (face.top - face.height * 0.3 < TOP) return { word: 'Camera up', good: false };
  if (face.top + face.height / 2 > LOW) return { word: 'Camera down', good: false };
  return { word: 'Good', good: true };
}
