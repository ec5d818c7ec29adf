import { type HairLook, type Identity, identityNamed, type Rgb, type SkinLook } from './identity.ts';
import type { Weights } from './morph.ts';
import { clamp, mix, random, smoothstep } from './vec.ts';

/** Identities with a seed from here on are never trained on: whoever measures takes those, whoever trains the others. */
export const HELD_OUT_SEED = 1000;

/** Shapes between two opposite targets: folder/stem, the two endings, the largest weight. `*` stands for both sides. */
const SHAPES: readonly (readonly [stem: string, down: string, up: string, most: number])[] = [
  ['head/head-fat', 'decr', 'incr', 0.45],
  ['head/head-scale-horiz', 'decr', 'incr', 0.55],
  ['head/head-scale-vert', 'decr', 'incr', 0.4],
  ['head/head-scale-depth', 'decr', 'incr', 0.4],
  ['head/head-angle', 'in', 'out', 0.3],
  ['forehead/forehead-scale-vert', 'decr', 'incr', 0.5],
  ['forehead/forehead-temple', 'decr', 'incr', 0.5],
  ['forehead/forehead-nubian', 'decr', 'incr', 0.35],
  ['forehead/forehead-trans', 'backward', 'forward', 0.4],
  ['eyebrows/eyebrows-angle', 'down', 'up', 0.6],
  ['eyebrows/eyebrows-trans', 'down', 'up', 0.6],
  ['eyebrows/eyebrows-trans', 'backward', 'forward', 0.4],
  ['eyes/*-eye-scale', 'decr', 'incr', 0.5],
  ['eyes/*-eye-height2', 'decr', 'incr', 0.4],
  ['eyes/*-eye-corner1', 'down', 'up', 0.45],
  ['eyes/*-eye-corner2', 'down', 'up', 0.5],
  ['eyes/*-eye-trans', 'in', 'out', 0.35],
  ['eyes/*-eye-push1', 'in', 'out', 0.35],
  ['eyes/*-eye-eyefold', 'down', 'up', 0.4],
  ['nose/nose-scale-vert', 'decr', 'incr', 0.5],
  ['nose/nose-scale-horiz', 'decr', 'incr', 0.5],
  ['nose/nose-scale-depth', 'decr', 'incr', 0.5],
  ['nose/nose-hump', 'decr', 'incr', 0.6],
  ['nose/nose-curve', 'concave', 'convex', 0.5],
  ['nose/nose-point', 'down', 'up', 0.5],
  ['nose/nose-point-width', 'decr', 'incr', 0.5],
  ['nose/nose-nostrils-width', 'decr', 'incr', 0.5],
  ['nose/nose-width1', 'decr', 'incr', 0.5],
  ['nose/nose-width2', 'decr', 'incr', 0.5],
  ['nose/nose-greek', 'decr', 'incr', 0.3],
  ['nose/nose-trans', 'down', 'up', 0.35],
  ['mouth/mouth-scale-horiz', 'decr', 'incr', 0.5],
  ['mouth/mouth-scale-vert', 'decr', 'incr', 0.35],
  ['mouth/mouth-trans', 'down', 'up', 0.35],
  ['mouth/mouth-upperlip-volume', 'decr', 'incr', 0.5],
  ['mouth/mouth-lowerlip-volume', 'decr', 'incr', 0.5],
  ['mouth/mouth-upperlip-height', 'decr', 'incr', 0.4],
  ['mouth/mouth-lowerlip-height', 'decr', 'incr', 0.4],
  ['mouth/mouth-angles', 'down', 'up', 0.4],
  ['mouth/mouth-cupidsbow', 'decr', 'incr', 0.4],
  ['mouth/mouth-philtrum-volume', 'decr', 'incr', 0.4],
  ['cheek/*-cheek-bones', 'decr', 'incr', 0.6],
  ['cheek/*-cheek-volume', 'decr', 'incr', 0.5],
  ['cheek/*-cheek-trans', 'down', 'up', 0.4],
  ['chin/chin-width', 'decr', 'incr', 0.5],
  ['chin/chin-height', 'decr', 'incr', 0.4],
  ['chin/chin-prominent', 'decr', 'incr', 0.5],
  ['chin/chin-bones', 'decr', 'incr', 0.5],
  ['chin/chin-jaw-drop', 'decr', 'incr', 0.4],
  ['ears/*-ear-scale', 'decr', 'incr', 0.5],
  ['ears/*-ear-wing', 'decr', 'incr', 0.4],
];
const HEAD_FORMS = ['oval', 'round', 'rectangular', 'square', 'triangular', 'invertedtriangular', 'diamond'];

/** Mean linear colour of each hair's strands, so that any hair can be dyed any colour. */
const HAIRS: readonly (readonly [name: string, mean: Rgb])[] = [
  ['short01', [0.0132, 0.0132, 0.0132]],
  ['short02', [0.0742, 0.0482, 0.034]],
  ['short03', [0.0881, 0.0396, 0.0299]],
  ['bob01', [0.0264, 0.0185, 0.0201]],
  ['ponytail01', [0.1131, 0.0523, 0.027]],
];
/** Hair that hangs over an eye or half of the face: seldom. */
const OVER_AN_EYE = ['bob01', 'short03'];
/** Linear colours of strands: black, dark brown, brown, auburn, dark blond, blond. */
const STRANDS: readonly Rgb[] = [
  [0.009, 0.008, 0.008],
  [0.024, 0.015, 0.011],
  [0.055, 0.032, 0.02],
  [0.085, 0.03, 0.014],
  [0.14, 0.092, 0.05],
  [0.27, 0.19, 0.1],
];
const GREY: Rgb = [0.26, 0.26, 0.27];
const EYES = ['blue', 'bluegreen', 'brown', 'brownlight', 'deepblue', 'green', 'grey', 'ice', 'lightblue'];
const TEETH = ['teeth_base', 'teeth_shape01', 'teeth_shape02', 'teeth_shape03', 'teeth_shape04', 'teeth_shape05'];

type Ancestry = keyof Identity['ancestry'];
type Next = () => number;

const pick = <T>(next: Next, list: readonly T[]): T => list[Math.floor(next() * list.length)]!;
/** −1 … 1, small values more often. */
const spread = (next: Next): number => next() + next() - 1;

/** The CC0 skin of an ancestry, a sex and a third of life. */
export function skinTexture(ancestry: Ancestry, sex: Identity['sex'], age: number): string {
  const third = age < 0.3 ? 'young' : age < 0.62 ? 'middleage' : 'old';
  const tone = ancestry === 'african' ? 'darkskinned' : 'lightskinned';
  const variant = ancestry === 'asian' ? (third === 'young' ? '3' : '2') : '';
  return `skins/${third}_${ancestry}_${sex}/textures/${third}_${tone}_${sex}_diffuse${variant}.png`;
}

function randomShape(next: Next): Weights {
  const shape: Record<string, number> = {};
  for (const [stem, down, up, most] of SHAPES) {
    const w = spread(next) * most;
    if (next() < 0.35) continue;
    shape[`${stem}-${w < 0 ? down : up}`] = Math.abs(w);
  }
  shape[`head/head-${pick(next, HEAD_FORMS)}`] = 0.6 * next();
  if (next() < 0.25) shape['chin/chin-cleft-incr'] = 0.5 * next();
  if (next() < 0.3) shape['mouth/mouth-dimples-in'] = 0.5 * next();
  return shape;
}

function randomAncestry(next: Next): { shares: Identity['ancestry']; first: Ancestry } {
  const raw = [next() ** 3, next() ** 3, next() ** 3] as const;
  const sum = raw[0] + raw[1] + raw[2] || 1;
  const shares = { caucasian: raw[0] / sum, asian: raw[1] / sum, african: raw[2] / sum };
  const first = (Object.keys(shares) as Ancestry[]).reduce((a, b) => (shares[b] > shares[a] ? b : a));
  return { shares, first };
}

function randomSkin(next: Next, sex: Identity['sex'], age: number, ancestry: Ancestry): SkinLook {
  const light = mix(0.72, 1.12, next());
  const warm = spread(next) * 0.07;
  const madeUp = sex === 'female' ? next() : 0.25 * next();
  const lips = mix(0.75, 1.2, next());
  return {
    texture: skinTexture(ancestry, sex, age),
    tint: [light * (1 + warm), light * mix(0.9, 1.03, next()), light * (mix(0.86, 1.04, next()) - warm)],
    freckles: next() < 0.3 ? next() : 0.1 * next(),
    blush: 0.7 * next(),
    stubble: sex === 'male' && next() < 0.6 ? next() : 0,
    lips: {
      colour: [0.42 * lips, mix(0.06, 0.2, next()) * lips, mix(0.07, 0.18, next()) * lips],
      amount: 0.7 * next(),
      outlined: true,
    },
    liner: 0.7 * madeUp,
    shadow: 0.5 * madeUp * next(),
    wrinkles: clamp(smoothstep(0.22, 1, age) * mix(0.7, 1.3, next()), 0, 1.2),
  };
}

function randomHair(next: Next, age: number, ancestry: Ancestry): { hair: HairLook | null; colour: Rgb } {
  const natural = ancestry === 'caucasian' ? STRANDS : STRANDS.slice(0, 3);
  const base = pick(next, natural);
  const grey = smoothstep(0.35, 1, age) * next() * 1.4;
  const colour = base.map((v, c) => mix(v, GREY[c]!, clamp(grey, 0, 0.95))) as unknown as Rgb;
  const [name, mean] = pick(next, next() < 0.8 ? HAIRS.filter((h) => !OVER_AN_EYE.includes(h[0])) : HAIRS);
  if (next() < 0.07) return { hair: null, colour };
  const tint = mean.map((m, c) => colour[c]! / m) as unknown as Rgb;
  return { hair: { name, texture: `proxies/hair/${name}/textures/${name}_diffuse.png`, tint }, colour };
}

/**
 * A fictional person drawn from a seed: the same seed gives the same person, whatever else was drawn before. Seeds below
 * HELD_OUT_SEED are for training, the others for measuring.
 */
export function randomIdentity(seed: number): Identity {
  const next = random(Math.imul(seed + 1, 0x9e3779b1));
  const sex = next() < 0.5 ? 'female' : 'male';
  const age = next();
  const { shares, first } = randomAncestry(next);
  const skin = randomSkin(next, sex, age, first);
  const { hair, colour } = randomHair(next, age, first);
  const brow = mix(0.35, 0.9, next());
  return {
    name: `person-${seed}`,
    seed,
    sex,
    age: 0.85 * age,
    ancestry: shares,
    shape: randomShape(next),
    skin,
    hair,
    brows: { tint: colour.map((v) => Math.min(0.2, v * brow + 0.012)) as unknown as Rgb, density: mix(1, 2.6, next()) },
    lashes: {
      name: sex === 'female' && next() < 0.7 ? 'eyelashes02' : 'eyelashes01',
      density: mix(0.4, sex === 'female' ? 1.2 : 0.7, next()),
    },
    eyes: first === 'caucasian' ? pick(next, EYES) : pick(next, ['brown', 'brown', 'brownlight', 'green']),
    teeth: pick(next, TEETH),
    garment: {
      colour: [0.4 * next() ** 2 + 0.01, 0.4 * next() ** 2 + 0.01, 0.4 * next() ** 2 + 0.01],
      neckline: next() < 0.3 ? 'high' : 'crew',
    },
  };
}

/** One of the named identities, or for `person-1100` the random person of that seed. */
export function personNamed(name: string): Identity {
  const seed = /^person-(\d+)$/.exec(name)?.[1];
  return seed ? randomIdentity(Number(seed)) : identityNamed(name);
}

/**
 * The same person with skin of another age (0–1): the geometry stays, texture, wrinkles and grey hair change. Both ages of a
 * pair start from the middle-aged texture, so that the skin's colour stays too.
 */
export function withSkinOfAge(identity: Identity, age: number): Identity {
  const first = (Object.keys(identity.ancestry) as Ancestry[]).reduce((a, b) =>
    identity.ancestry[b] > identity.ancestry[a] ? b : a,
  );
  const base = skinTexture(first, identity.sex, 0.5);
  const away = clamp(Math.abs(age - 0.5) / 0.4, 0, 1);
  return {
    ...identity,
    skin: {
      ...identity.skin,
      texture: base,
      aged: { texture: skinTexture(first, identity.sex, age), amount: away },
      wrinkles: smoothstep(0.15, 0.9, age),
    },
  };
}
