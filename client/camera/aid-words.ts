/** A found face in parts of the picture (0–1), as the camera sees it (not mirrored). */
export interface FoundFace {
  left: number;
  top: number;
  width: number;
  height: number;
  /** How sure the detector is, 0–1. */
  score: number;
  /** Mean brightness of the face, 0–255; null when not measured. */
  luma: number | null;
}

export interface Advice {
  /** One plain word or two. */
  word: string;
  good: boolean;
}

export const NO_FACE = 'No face seen';

/** Below this part of the picture's height a face has too few pixels for the double's skin. */
const SMALL = 0.17;
const LARGE = 0.72;
/** How far the face's middle may be from the picture's, in parts of its width. */
const ASIDE = 0.25;
/** A head is cut off above this, and sits too low below that, in parts of the picture's height. */
const TOP = -0.02;
const LOW = 0.68;
const STEADY_LOOKS = 2;
const MISSED_LOOKS = 5;
const DARK = 55;
const BRIGHT = 225;

/** The face that the detector is surest of: prints and posters score lower than people. Null when there is none. */
export function surest(faces: readonly FoundFace[]): FoundFace | null {
  return faces.reduce<FoundFace | null>((best, one) => (best && best.score >= one.score ? best : one), null);
}

/**
 * What the person in front of the camera should do. Left and right are the person's own: a face at the left of the picture
 * belongs to someone who stands too far to their right.
 */
export function advise(face: FoundFace | null): Advice {
  if (!face) return { word: NO_FACE, good: false };
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

/**
 * Lets a new word through only when it has come several times in a row, so that one missed look does not flicker. The face
 * goes with the word: none is framed while the word says that none is seen.
 */
export class SteadyAdvice {
  #shown: Advice | null = null;
  #face: FoundFace | null = null;
  #next = { word: '', times: 0 };

  /** The face of one look in; the word to show, and the face that it is about, out. */
  look(face: FoundFace | null): { advice: Advice; face: FoundFace | null } {
    const advice = advise(face);
    this.#next = { word: advice.word, times: advice.word === this.#next.word ? this.#next.times + 1 : 1 };
    const needed = face ? STEADY_LOOKS : MISSED_LOOKS;
    if (!this.#shown || this.#next.times >= needed) this.#shown = advice;
    this.#face = this.#shown.word === NO_FACE ? null : (face ?? this.#face);
    return { advice: this.#shown, face: this.#face };
  }
}
