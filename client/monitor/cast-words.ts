import { type CastingInfo, WHO_IS_THIS } from '../../server/wire/casting.ts';
import type { FaceInfo, FeedInfo } from '../../server/wire/messages.ts';
import type { Tone } from '../shared/parts/Badge.tsx';
import type { View } from './model.ts';

/** What the page says and shows of faces and castings. Pure. */

type Cast = Pick<FeedInfo, 'faces' | 'castings'>;

export interface NamedFace extends FaceInfo {
  /** The performer's name, or a number for one whom nobody is cast for. */
  label: string;
  /** The engine cannot tell who it is. */
  asked: boolean;
}

/** Every face of the last picture, from left to right: numbers stay as long as nobody comes, goes or crosses. */
export function namedFaces({ faces, castings }: Cast): NamedFace[] {
  return faces
    .toSorted((a, b) => a.box.x + a.box.w / 2 - (b.box.x + b.box.w / 2))
    .map((face, index) => ({
      ...face,
      label: castings.find(({ id }) => id === face.casting)?.performer ?? `Face ${index + 1}`,
      asked: face.shown === 'covered' && face.why === WHO_IS_THIS,
    }));
}

export interface Question {
  face: NamedFace;
  /** Who it may be: those who are cast and not in the picture. */
  names: CastingInfo[];
}

/**
 * A face of which an operator has to say whose it is, the one of this track rather than another; null when there is none, or nobody
 * who is cast is missing.
 */
export function questionOf(cast: Cast, track: number | null = null): Question | null {
  const names = cast.castings.filter((one) => one.track === null);
  const asked = namedFaces(cast).filter((face) => face.asked);
  const face = asked.find((one) => one.track === track) ?? asked[0];
  return face && names.length > 0 ? { face, names } : null;
}

export interface Words {
  text: string;
  tone: Tone;
}

/** Where a performer is, in plain words. */
export function whereWords({ track }: CastingInfo, { faces }: Cast): Words {
  const face = faces.find((one) => one.track === track);
  if (face?.shown === 'covered')
    return { text: `In picture, covered${face.why ? `: ${face.why}` : ''}`, tone: 'amber' };
  if (track !== null) return { text: 'In picture', tone: 'green' };
  const asked = faces.some(({ shown, why }) => shown === 'covered' && why === WHO_IS_THIS);
  return asked ? { text: 'Who is this? Tap the face.', tone: 'amber' } : { text: 'Not in picture', tone: 'quiet' };
}

const NEUTRAL_WORDS: Record<CastingInfo['neutral'], Words> = {
  none: { text: 'No neutral face yet', tone: 'quiet' },
  capturing: { text: 'Hold still…', tone: 'amber' },
  learned: { text: 'Face learned, none captured', tone: 'quiet' },
  kept: { text: 'Neutral face kept', tone: 'green' },
};

/** What went wrong with a capture, and what to do. */
const MISSED_WORDS: Record<NonNullable<CastingInfo['missed']>, string> = {
  gone: 'The face was lost: stay in the picture and try again.',
  small: 'Face too small: come nearer or zoom in, and try again.',
  dark: 'Too dark: put more light on the face and try again.',
  soft: 'Too soft: focus on the face and try again.',
  turned: 'Looked away: look straight ahead and try again.',
  mouth: 'Mouth open or speaking: close it and try again.',
  moved: 'Moved: keep head and face still and try again.',
};

/** What became of the neutral face; while its countdown runs, the seconds that are left. */
export function neutralWords({ neutral, missed }: CastingInfo, left: number | null): Words {
  if (left !== null) return { text: `Look straight ahead… ${left}`, tone: 'amber' };
  if (neutral === 'capturing' || !missed) return NEUTRAL_WORDS[neutral];
  const kept = neutral === 'kept' ? ' The one before is kept.' : '';
  return { text: `${MISSED_WORDS[missed]}${kept}`, tone: 'amber' };
}

interface Share {
  x: number;
  y: number;
  w: number;
  h: number;
}

const WHOLE: Share = { x: 0, y: 0, w: 1, h: 1 };

/** Where a view shows the whole picture, in shares of its place: once, or twice at half the size (Compare.tsx). */
export const picturesIn = (view: View): readonly Share[] =>
  view === 'side' ? [0, 0.5].map((x) => ({ x, y: 0.25, w: 0.5, h: 0.5 })) : [WHOLE];

/** A face's box within one of those, in percent as CSS takes them. */
export function placeOf({ x, y, w, h }: Share, picture: Share): Record<'left' | 'top' | 'width' | 'height', string> {
  const percent = (share: number): string => `${(100 * share).toFixed(3)}%`;
  return {
    left: percent(picture.x + x * picture.w),
    top: percent(picture.y + y * picture.h),
    width: percent(w * picture.w),
    height: percent(h * picture.h),
  };
}
