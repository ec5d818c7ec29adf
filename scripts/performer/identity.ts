import type { Weights } from './morph.ts';

/** A fictional person: what turns the CC0 base head into somebody. Colours are linear-light multipliers or sRGB where said. */
export interface Identity {
  name: string;
  seed: number;
  sex: 'female' | 'male';
  /** 0 young (about 25) … 1 old (about 75). */
  age: number;
  /** Shares of the base shapes; they should sum to 1. */
  ancestry: { caucasian: number; asian: number; african: number };
  /** Face targets `folder/name`; `*` stands for both sides. */
  shape: Weights;
  skin: SkinLook;
  hair: HairLook | null;
  brows: { tint: Rgb /** 1 = as drawn; more = denser. */; density: number };
  lashes: { name: string; density: number };
  eyes: string;
  teeth: string;
  garment: { colour: Rgb; neckline: 'crew' | 'high' };
}

export type Rgb = readonly [r: number, g: number, b: number];

export interface SkinLook {
  /** Texture below public/data. */
  texture: string;
  /** Multiplies the linear albedo. */
  tint: Rgb;
  /** 0–1. */
  freckles: number;
  blush: number;
  stubble: number;
  /**
   * Linear colour the lips are pulled to, and how far (0–1). `outlined`: the lips are where the landmarks say, not where the
   * texture is reddest (on dark skin that is half of the face).
   */
  lips: { colour: Rgb; amount: number; outlined?: boolean };
  /** Dark line at the lids, 0–1. */
  liner: number;
  shadow: number;
  /** Depth of the wrinkles in the relief, 0 none … 1 deep. */
  wrinkles?: number;
  /** A second texture, matched to the first in its mean colour and mixed in by `amount` (0–1): skin at another age. */
  aged?: { texture: string; amount: number };
}

export interface HairLook {
  name: string;
  texture: string;
  tint: Rgb;
}

const YOUNG = {
  female: 'skins/young_caucasian_female/textures/young_lightskinned_female_diffuse',
  male: 'skins/young_caucasian_male/textures/young_lightskinned_male_diffuse',
};

/** The performer of the demo clip: a man in his thirties. */
const NOEL: Identity = {
  name: 'noel',
  seed: 11,
  sex: 'male',
  age: 0.12,
  ancestry: { caucasian: 0.7, asian: 0.1, african: 0.2 },
  shape: {
    'head/head-rectangular': 0.35,
    'nose/nose-hump-incr': 0.15,
    'nose/nose-scale-vert-incr': 0.2,
    'chin/chin-prominent-incr': 0.25,
    'chin/chin-width-incr': 0.3,
    'cheek/*-cheek-bones-incr': 0.4,
    'head/head-fat-decr': 0.2,
    'eyes/*-eye-scale-incr': 0.15,
    'mouth/mouth-scale-horiz-incr': 0.2,
  },
  skin: {
    texture: `${YOUNG.male}.png`,
    tint: [0.86, 0.8, 0.77],
    freckles: 0.05,
    blush: 0.4,
    stubble: 0.95,
    lips: { colour: [0.42, 0.17, 0.14], amount: 0.35 },
    liner: 0.15,
    shadow: 0.1,
  },
  hair: { name: 'short02', texture: 'proxies/hair/short02/textures/short02_diffuse.png', tint: [0.62, 0.5, 0.4] },
  brows: { tint: [0.06, 0.036, 0.024], density: 1.9 },
  lashes: { name: 'eyelashes01', density: 0.55 },
  eyes: 'brownlight',
  teeth: 'teeth_base',
  garment: { colour: [0.03, 0.052, 0.078], neckline: 'crew' },
};

/** The bundled double: a woman of about thirty, dark brows, full lips, freckles. */
const MARA: Identity = {
  name: 'mara',
  seed: 23,
  sex: 'female',
  age: 0.08,
  ancestry: { caucasian: 0.55, asian: 0.1, african: 0.35 },
  shape: {
    'head/head-oval': 0.5,
    'head/head-scale-horiz-decr': 0.45,
    'forehead/forehead-scale-vert-decr': 0.35,
    'forehead/forehead-temple-decr': 0.2,
    'cheek/*-cheek-bones-incr': 0.6,
    'cheek/*-cheek-volume-decr': 0.25,
    'mouth/mouth-upperlip-volume-incr': 0.15,
    'mouth/mouth-lowerlip-volume-incr': 0.3,
    'mouth/mouth-upperlip-height-incr': 0.25,
    'mouth/mouth-cupidsbow-incr': 0.15,
    'mouth/mouth-angles-up': 0.3,
    'mouth/mouth-scale-horiz-incr': 0.3,
    'eyes/*-eye-scale-incr': 0.45,
    'eyes/*-eye-corner2-up': 0.35,
    'nose/nose-width2-decr': 0.3,
    'nose/nose-scale-vert-decr': 0.15,
    'nose/nose-hump-decr': 0.2,
    'chin/chin-width-decr': 0.25,
    'eyebrows/eyebrows-angle-up': 0.35,
    'eyebrows/eyebrows-trans-up': 0.25,
  },
  skin: {
    texture: `${YOUNG.female}.png`,
    tint: [0.8, 0.66, 0.56],
    freckles: 0.8,
    blush: 0.5,
    stubble: 0,
    lips: { colour: [0.4, 0.07, 0.075], amount: 0.75 },
    liner: 0.3,
    shadow: 0.1,
  },
  hair: {
    name: 'ponytail01',
    texture: 'proxies/hair/ponytail01/textures/ponytail01_diffuse.png',
    tint: [0.28, 0.19, 0.14],
  },
  brows: { tint: [0.05, 0.03, 0.022], density: 2 },
  lashes: { name: 'eyelashes02', density: 1.1 },
  eyes: 'green',
  teeth: 'teeth_base',
  garment: { colour: [0.12, 0.055, 0.05], neckline: 'high' },
};

/** The second double: a man of about fifty with a grey stubble. */
const IVO: Identity = {
  ...NOEL,
  name: 'ivo',
  seed: 37,
  age: 0.45,
  ancestry: { caucasian: 0.9, asian: 0.1, african: 0 },
  shape: {
    'head/head-square': 0.3,
    'nose/nose-hump-incr': 0.5,
    'nose/nose-width2-incr': 0.3,
    'chin/chin-jaw-drop-incr': 0.3,
    'mouth/mouth-scale-horiz-decr': 0.2,
    'eyebrows/eyebrows-trans-down': 0.4,
    'head/head-fat-decr': 0.3,
  },
  skin: {
    ...NOEL.skin,
    texture: 'skins/middleage_caucasian_male/textures/middleage_lightskinned_male_diffuse.png',
    tint: [0.95, 0.84, 0.8],
    stubble: 0.9,
    freckles: 0.25,
    blush: 0.6,
    lips: { colour: [0.42, 0.2, 0.18], amount: 0.4 },
  },
  hair: { name: 'short01', texture: 'proxies/hair/short01/textures/short01_diffuse.png', tint: [6.5, 6.4, 6.5] },
  brows: { tint: [0.035, 0.03, 0.027], density: 2.6 },
  eyes: 'ice',
};

const IDENTITIES = [NOEL, MARA, IVO];

export function identityNamed(name: string): Identity {
  const found = IDENTITIES.find((i) => i.name === name);
  if (!found)
    throw new Error(`There is no identity called "${name}". Known: ${IDENTITIES.map((i) => i.name).join(', ')}.`);
  return found;
}

/** Every target of an identity with its weight, side wildcards spelled out. */
export function identityWeights(id: Identity): Weights {
  const weights: Record<string, number> = {};
  const add = (name: string, w: number) => {
    if (w !== 0) weights[name] = (weights[name] ?? 0) + w;
  };
  for (const [age, share] of [
    ['young', 1 - id.age],
    ['old', id.age],
  ] as const) {
    for (const [ancestry, w] of Object.entries(id.ancestry))
      add(`macrodetails/${ancestry}-${id.sex}-${age}`, share * w);
    add(`macrodetails/universal-${id.sex}-${age}-averagemuscle-averageweight`, share);
  }
  for (const [name, w] of Object.entries(id.shape))
    for (const side of name.includes('*') ? ['l', 'r'] : ['']) add(name.replace('*', side), w);
  return weights;
}
