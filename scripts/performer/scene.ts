import type { Rgb } from './identity.ts';
import { createNoise } from './noise.ts';
import { mix, random, smoothstep, type Vec3 } from './vec.ts';

/** Looks along −z. Positions in decimetres from the middle of the neutral eyes. */
export interface Camera {
  position: Vec3;
  /** Height of the picture at one decimetre from the camera, decimetres. */
  opening: number;
}

/** A camera `distance` away whose picture is `height` decimetres high there, centred on (x, y). */
export function cameraAt(distance: number, height: number, x: number, y: number): Camera {
  return { position: [x, y, distance], opening: height / distance };
}

export interface DirectionalLight {
  /** Towards the light. */
  direction: Vec3;
  /** Linear RGB. */
  colour: Rgb;
  /** Size of the source, 0 a point … 1 a wall: how far its diffuse light wraps around, and how blurred the key's shadow is. */
  soft?: number;
}

export interface Lighting {
  key: DirectionalLight;
  fill: DirectionalLight;
  /** From behind; not shadowed. */
  rims: DirectionalLight[];
  sky: Rgb;
  ground: Rgb;
  /** Share of highlights that is kept, default 1; 0 is a world without gloss. */
  gloss?: number;
}

const scaled = (c: Rgb, k: number): Rgb => [c[0] * k, c[1] * k, c[2] * k];

/** Studio light: azimuth > 0 is the performer's left; warmth −1 … 1. */
export function studioLight(azimuth: number, elevation: number, intensity: number, warmth: number): Lighting {
  const colour: Rgb = [1 + 0.09 * warmth, 1, 1 - 0.14 * warmth];
  const dir = (az: number, el: number): Vec3 => [
    Math.sin(az) * Math.cos(el),
    Math.sin(el),
    Math.cos(az) * Math.cos(el),
  ];
  return {
    key: { direction: dir(azimuth, elevation), colour: scaled(colour, 1.62 * intensity) },
    fill: { direction: dir(-0.95 * Math.sign(azimuth || 1), 0.15), colour: [0.3, 0.33, 0.38] },
    rims: [
      { direction: dir(-2.3 * Math.sign(azimuth || 1), 0.45), colour: [0.62, 0.7, 0.82] },
      { direction: dir(2.55 * Math.sign(azimuth || 1), 0.6), colour: [0.38, 0.33, 0.28] },
    ],
    sky: [0.32, 0.33, 0.36],
    ground: [0.17, 0.15, 0.135],
  };
}

/** The same light from everywhere and no gloss: what remains is the skin's own colour, darker only in its folds. */
export function flatLight(level: number): Lighting {
  const none = { direction: [0, 0, 1], colour: [0, 0, 0] } as const;
  const all: Rgb = [level, level, level];
  return { key: none, fill: none, rims: [], sky: all, ground: all, gloss: 0 };
}

/** Even frontal light, in which the landmark model knows a face. */
export function beautyLight(): Lighting {
  return {
    key: { direction: [0, 0.45, 1], colour: [0.95, 0.94, 0.93] },
    fill: { direction: [0, -0.25, 1], colour: [0.3, 0.3, 0.3] },
    rims: [],
    sky: [0.5, 0.5, 0.5],
    ground: [0.36, 0.35, 0.34],
  };
}

/**
 * An out-of-focus room, linear RGB, three floats a pixel: a graded wall, a tall window, a lamp, shelves of soft lights.
 * `seed` places the small lights.
 */
export function paintBackground(width: number, height: number, seed: number): Float32Array {
  const out = new Float32Array(3 * width * height);
  const next = random(seed);
  const noise = createNoise(seed);
  const discs = Array.from({ length: 15 }, () => ({
    x: mix(-0.1, 1.1, next()),
    y: mix(0.18, 0.62, next()),
    r: mix(0.018, 0.042, next()),
    colour: next() < 0.65 ? [0.5, 0.3, 0.13] : [0.16, 0.26, 0.36],
    power: mix(0.12, 0.55, next()) * (next() < 0.25 ? 1.6 : 1),
  }));
  const aspect = width / height;
  for (let py = 0; py < height; py++)
    for (let px = 0; px < width; px++) {
      const x = (px + 0.5) / width;
      const y = (py + 0.5) / height;
      const rgb = wall(x, y);
      for (const d of discs) {
        const q = Math.hypot((x - d.x) * aspect, y - d.y) / d.r;
        if (q > 1.15) continue;
        // A lens disc: flat, brighter at its rim.
        const w = d.power * smoothstep(1.1, 0.92, q) * (0.75 + 0.25 * q * q);
        for (let c = 0; c < 3; c++) rgb[c] = rgb[c]! + w * d.colour[c]!;
      }
      const cloud = 1 + 0.07 * noise.at(4 * x, 3 * y, 0.5) + 0.04 * noise.at(9 * x, 7 * y, 3.5);
      const k = 3 * (py * width + px);
      for (let c = 0; c < 3; c++) out[k + c] = rgb[c]! * cloud;
    }
  return out;
}

function wall(x: number, y: number): [number, number, number] {
  const fall = Math.exp(-(((x - 0.2) / 0.55) ** 2) - ((y - 0.25) / 0.7) ** 2);
  const rgb: [number, number, number] = [mix(0.035, 0.13, fall), mix(0.042, 0.135, fall), mix(0.05, 0.14, fall)];
  const soft = (a: number, b: number, t: number, blur: number) =>
    smoothstep(a - blur, a + blur, t) * smoothstep(b + blur, b - blur, t);
  const window = soft(0.045, 0.2, x, 0.035) * soft(-0.3, 0.66, y, 0.06) * (1 - 0.55 * soft(0.115, 0.13, x, 0.016));
  const lamp = Math.exp(-(((x - 0.83) / 0.13) ** 2) - ((y - 0.4) / 0.24) ** 2);
  const shade = soft(0.785, 0.885, x, 0.02) * soft(0.25, 0.42, y, 0.03);
  const table = smoothstep(0.7, 0.82, y);
  const add = (c: readonly number[], w: number) => {
    for (let i = 0; i < 3; i++) rgb[i] = rgb[i]! + c[i]! * w;
  };
  add([0.34, 0.43, 0.52], window);
  add([0.16, 0.085, 0.032], lamp);
  add([0.75, 0.45, 0.2], 0.75 * shade);
  for (let i = 0; i < 3; i++) rgb[i] = rgb[i]! * (1 - 0.45 * table);
  return rgb;
}
