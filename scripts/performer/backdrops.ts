import type { Rgb } from './identity.ts';
import { hueColour, type LightPlan, scaleRgb, white } from './lights.ts';
import { createNoise } from './noise.ts';
import { paintBackground } from './scene.ts';
import { mix, random, smoothstep } from './vec.ts';

/** Backgrounds by number, painted when first wanted and kept. */
export interface Backdrops {
  /** Linear RGB of the picture behind, lit as the plan says; valid until the next call. */
  at(number: number, light: LightPlan): Float32Array;
}

/** So many different ones; numbers beyond begin again. */
const KINDS = 10;

export function createBackdrops(width: number, height: number): Backdrops {
  const painted = new Map<number, Float32Array>();
  const out = new Float32Array(3 * width * height);
  return {
    at(number, light) {
      const i = number % KINDS;
      const base = painted.get(i) ?? paint(i, width, height);
      painted.set(i, base);
      const gain = gainOf(light, i);
      for (let k = 0; k < out.length; k += 3) for (let c = 0; c < 3; c++) out[k + c] = base[k + c]! * gain[c]!;
      return out;
    },
  };
}

function paint(i: number, width: number, height: number): Float32Array {
  if (i % 2 === 0) return paintBackground(width, height, 100 + i);
  return paintBlur(width, height, 100 + i);
}

/** Walls glow in the colour of the set's own wall; rooms follow key and ambience. */
function gainOf(light: LightPlan, i: number): Rgb {
  const gain = 2 ** light.exposure * mix(0.5, 1.3, random(i + 5)());
  const room = scaleRgb(white(light.ambientWarmth), (0.35 * light.key + 0.65 * light.ambient) * gain);
  const wall = scaleRgb(light.wallColour, 0.6 * light.wall * gain);
  return [room[0] + wall[0], room[1] + wall[1], room[2] + wall[2]];
}

/** Large soft fields of colour, as an LED wall out of focus shows them. */
function paintBlur(width: number, height: number, seed: number): Float32Array {
  const next = random(seed);
  const noise = createNoise(seed);
  const [a, b, c] = [0, 1, 2].map(() => scaleRgb(hueColour(next(), 0.75 * next()), mix(0.02, 0.5, next() ** 2)));
  const [scale, tilt, edge] = [mix(1, 4, next()), 3 * next(), mix(0.2, 0.9, next())];
  const out = new Float32Array(3 * width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [u, v] = [x / height, y / height];
      const p = smoothstep(-0.5, 0.5, noise.at(scale * u, scale * v, 0.5));
      const q = smoothstep(edge - 0.06, edge + 0.06, v + 0.2 * Math.sin(tilt + 2 * u));
      for (let k = 0; k < 3; k++) out[3 * (y * width + x) + k] = mix(mix(a![k]!, b![k]!, p), c![k]!, q);
    }
  return out;
}
