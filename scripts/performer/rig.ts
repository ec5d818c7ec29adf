import type { Weights } from './morph.ts';
import { clamp } from './vec.ts';

/** The face in a director's words; 0 = rest, 1 = fully, unless said otherwise. */
export interface Face {
  /** Jaw drop. */
  jaw: number;
  smile: number;
  /** Upper lip lifted off the teeth. */
  teeth: number;
  /** Rounded lips, as in "oo". */
  pucker: number;
  /** Stretched lips, as in "ee". */
  wide: number;
  /** Pressed lips, as in "m". */
  press: number;
  /** Brows: −1 down (frown) … 1 up. */
  brows: number;
  /** Inner ends up: worry. */
  worry: number;
  /** Lids: 1 = shut. */
  blinkLeft: number;
  blinkRight: number;
  /** Narrowed lids. */
  squint: number;
}

export const NEUTRAL_FACE: Face = {
  jaw: 0,
  smile: 0,
  teeth: 0,
  pucker: 0,
  wide: 0,
  press: 0,
  brows: 0,
  worry: 0,
  blinkLeft: 0,
  blinkRight: 0,
  squint: 0,
};

/** How far the upper lids follow the eyes down, a radian of gaze. */
const LID_FOLLOWS_GAZE = 1.1;

/** Turns the face into weights of the asset's expression units. `gazePitch` in radians, > 0 up. */
export function expressionUnits(face: Face, gazePitch: number): Weights {
  const smile = clamp(face.smile, 0, 1);
  const units: Record<string, number> = {
    'mouth-open': 0.62 * face.jaw,
    'mouth-corner-puller': 0.85 * smile,
    'mouth-upward-retraction': 0.45 * face.teeth,
    'mouth-parling': 0.4 * face.teeth * (1 - smile),
    'mouth-pursing': 0.75 * face.pucker,
    'mouth-protusion': 0.3 * face.pucker * face.jaw,
    'mouth-retraction': 0.45 * face.wide,
    'mouth-depression-retraction': 0.3 * face.wide * face.jaw,
    'mouth-compression': 0.6 * face.press,
  };
  const cheeks = 0.35 * smile;
  for (const side of ['left', 'right'] as const) {
    const blink = side === 'left' ? face.blinkLeft : face.blinkRight;
    const lid = clamp(Math.max(blink, -gazePitch * LID_FOLLOWS_GAZE), 0, 1);
    units[`eye-${side}-closure`] = lid;
    units[`eye-${side}-slit`] = clamp(face.squint + cheeks, 0, 1) * (1 - lid);
    units[`eye-${side}-opened-up`] = clamp(0.35 * Math.max(0, face.brows) + gazePitch * 0.8, 0, 1) * (1 - lid);
    units[`eyebrows-${side}-up`] = Math.max(0, face.brows);
    units[`eyebrows-${side}-down`] = Math.max(0, -face.brows);
    units[`eyebrows-${side}-inner-up`] = face.worry;
    units[`nose-${side}-elevation`] = 0.25 * face.teeth;
  }
  return Object.fromEntries(Object.entries(units).filter(([, w]) => w !== 0));
}
