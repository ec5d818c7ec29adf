import type { Rgb } from './identity.ts';
import type { DirectionalLight, Lighting } from './scene.ts';
import { mix, type Vec3 } from './vec.ts';

type Next = () => number;

/** A light's direction: azimuth > 0 is the performer's left, elevation up; radians. */
export const toward = (azimuth: number, elevation: number): Vec3 => [
  Math.sin(azimuth) * Math.cos(elevation),
  Math.sin(elevation),
  Math.cos(azimuth) * Math.cos(elevation),
];

export const scaleRgb = (c: Rgb, k: number): Rgb => [c[0] * k, c[1] * k, c[2] * k];

/** A warm (1) to cold (−1) white of about the same luminance. */
export const white = (warmth: number): Rgb => [1 + 0.22 * warmth, 1, 1 - 0.3 * warmth];

/** A saturated colour of an LED wall; hue 0–1, saturation 0–1, its largest channel 1. */
export function hueColour(hue: number, saturation: number): Rgb {
  const channel = (n: number): number => {
    const k = (n + 6 * hue) % 6;
    return 1 - saturation * Math.max(0, Math.min(k, 4 - k, 1));
  };
  return [channel(5), channel(3), channel(1)];
}

/** Everything of a set's light that changes between takes; all of it moves smoothly. */
export interface LightPlan {
  keyAzimuth: number;
  keyElevation: number;
  /** Key strength; 1 exposes a medium skin well. */
  key: number;
  /** 0 a hard point … 1 a wall. */
  softness: number;
  warmth: number;
  /** Strength of the fill and of the light from all around, 0–1.5. */
  fill: number;
  ambient: number;
  ambientWarmth: number;
  rim: number;
  /** Coloured wall at the side: strength (0 none), azimuth, elevation, linear colour. */
  wall: number;
  wallAzimuth: number;
  wallElevation: number;
  wallColour: Rgb;
  /** In stops. */
  exposure: number;
}

/** Lights a set by its plan; the wall is a soft source that also tints the ambience. */
export function planLighting(p: LightPlan): Lighting {
  const gain = 2 ** p.exposure;
  const side = Math.sign(p.keyAzimuth) || 1;
  const around = white(p.ambientWarmth);
  const glow = scaleRgb(p.wallColour, 0.12 * p.wall);
  const ambient = (k: number): Rgb => {
    const c = scaleRgb(around, k * p.ambient);
    return scaleRgb([c[0] + glow[0], c[1] + glow[1], c[2] + glow[2]], gain);
  };
  const rims: DirectionalLight[] = [
    { direction: toward(-2.3 * side, 0.45), colour: scaleRgb([0.62, 0.7, 0.82], p.rim * gain) },
  ];
  if (p.wall > 0)
    rims.push({
      direction: toward(p.wallAzimuth, p.wallElevation),
      colour: scaleRgb(p.wallColour, 1.5 * p.wall * gain),
      soft: 1,
    });
  return {
    key: {
      direction: toward(p.keyAzimuth, p.keyElevation),
      colour: scaleRgb(white(p.warmth), 1.62 * p.key * gain),
      soft: p.softness,
    },
    fill: { direction: toward(-0.95 * side, 0.15), colour: scaleRgb(around, 0.33 * p.fill * gain) },
    rims,
    sky: ambient(0.33),
    ground: ambient(0.16),
  };
}

/** Any light that a face may meet on a set: key anywhere in front, every other set with a coloured wall. */
export function randomPlan(next: Next): LightPlan {
  const spread = () => next() + next() - 1;
  const walled = next() < 0.45;
  return {
    keyAzimuth: 1.35 * spread() * (next() < 0.5 ? 1 : 0.7),
    keyElevation: mix(-0.15, 0.95, next()),
    key: walled && next() < 0.3 ? mix(0.05, 0.5, next()) : mix(0.45, 1.25, next()),
    softness: next() ** 1.2,
    warmth: spread(),
    fill: 1.6 * next() ** 1.5,
    ambient: mix(0.25, 1.6, next()),
    ambientWarmth: spread(),
    rim: next() < 0.5 ? next() : 0,
    wall: walled ? mix(0.25, 1.1, next()) : 0,
    wallAzimuth: (next() < 0.5 ? 1 : -1) * mix(0.5, 1.9, next()),
    wallElevation: mix(-0.3, 0.5, next()),
    wallColour: hueColour(next(), mix(0.35, 1, next())),
    exposure: spread() * 0.95,
  };
}
