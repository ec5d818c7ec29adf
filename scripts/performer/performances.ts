import type { Rgb } from './identity.ts';
import { hueColour, type LightPlan, planLighting, randomPlan } from './lights.ts';
import type { PairMoment } from './moments.ts';
import { cameraFor } from './moments.ts';
import { blink, follow, type Syllable, speak, syllables, type Track } from './motion.ts';
import { type Occluder, type OccluderKind, randomOccluder } from './occluders.ts';
import { NEUTRAL_POSE, type Pose } from './pose.ts';
import { expressionUnits, type Face, NEUTRAL_FACE } from './rig.ts';
import { clamp, mix, random, smoothstep, type Vec3 } from './vec.ts';

type Next = () => number;
export type Span = readonly [from: number, to: number];

/** What a clip is there to show. */
export interface ClipKind {
  name: string;
  /** Face height as a share of the picture's. */
  size: number;
  /** Largest angles of the head, degrees. */
  yaw: number;
  pitch: number;
  /** 1 = calm conversation; 2 = twice as quick. */
  tempo: number;
  /** Share of the clip's length: when the performer holds still, when they move fast. */
  still: Span | null;
  fast: Span | null;
  light: 'steady' | 'wall' | 'key';
  occluders: readonly OccluderKind[];
  worn: boolean;
  people: 1 | 2;
  /** The plate shows old skin, and a truth with young skin on the same face is rendered. */
  aged: boolean;
}

/** Somebody who talks. */
export const TALK: ClipKind = {
  name: 'talk',
  size: 0.42,
  yaw: 22,
  pitch: 10,
  tempo: 1,
  still: null,
  fast: null,
  light: 'steady',
  occluders: [],
  worn: false,
  people: 1,
  aged: false,
};

/** The held-out set, in the order in which `--count` takes them. */
export const CLIP_KINDS: readonly ClipKind[] = [
  { ...TALK, name: 'still', still: [0.3, 0.85] },
  { ...TALK, name: 'fast', yaw: 30, tempo: 2, fast: [0, 1] },
  { ...TALK, name: 'wall', light: 'wall', yaw: 18 },
  { ...TALK, name: 'key', light: 'key', yaw: 18 },
  { ...TALK, name: 'hand', occluders: ['hand', 'microphone'], yaw: 15 },
  { ...TALK, name: 'close', size: 0.85, yaw: 15, pitch: 7 },
  { ...TALK, name: 'far', size: 0.18 },
  { ...TALK, name: 'turn', yaw: 48, pitch: 14 },
  { ...TALK, name: 'crossing', people: 2, size: 0.28, yaw: 20 },
  { ...TALK, name: 'aged', aged: true, size: 0.6 },
  { ...TALK, name: 'spectacles', worn: true },
  { ...TALK, name: 'aged-wall', aged: true, light: 'wall', size: 0.45 },
];

/** A performance: everything about one person at any second of a clip. */
export interface Performance {
  /** The moment at `t` seconds; `x` and `z` move the person sideways and towards the camera, decimetres. */
  moment(t: number): PairMoment;
  /** Where the person stands at `t` when they walk. */
  place(t: number): Vec3;
  /** What is before the face at `t`. */
  occluder(t: number): Occluder | null;
}

interface Score {
  yaw: Track;
  pitch: Track;
  roll: Track;
  lean: Track;
  gazeYaw: Track;
  gazePitch: Track;
  smile: Track;
  teeth: Track;
  jaw: Track;
  brows: Track;
  worry: Track;
  squint: Track;
  blinks: number[];
  spoken: Syllable[];
}

const DEG = Math.PI / 180;

/** Writes a random performance of a kind; the same seed writes the same. */
export function writePerformance(
  kind: ClipKind,
  seed: number,
  seconds: number,
  looks: { skin: Rgb; eyes: number },
  role: 0 | 1 = 0,
): Performance {
  const next = random(Math.imul(seed + 17, 0x85ebca6b) + role);
  const score = writeScore(kind, next, seconds);
  const light = randomPlan(random(Math.imul(seed + 3, 0xc2b2ae35)));
  const things = kind.occluders.map((k) => randomOccluder(next, looks, k));
  const worn = kind.worn ? randomOccluder(next, looks, 'spectacles') : null;
  const camera = cameraFor(kind.size, 14);
  const place = walk(kind, role, seconds);
  // Seeds come in tens: without the division every clip would have the same room.
  const backdrop = seed + Math.floor(seed / 10);
  return {
    place,
    moment(t) {
      const still = held(kind, seconds, t);
      const plan = lightAt(kind, light, t / seconds);
      const pose = poseAt(score, still);
      const face = faceAt(score, still);
      const [x, , z] = place(t);
      const [cx, cy, cz] = camera.position;
      return {
        face,
        pose,
        light: plan,
        backdrop,
        expression: expressionUnits(face, pose.gaze[1]),
        lighting: planLighting(plan),
        camera: { ...camera, position: [cx - x, cy, cz - z] },
      };
    },
    occluder: (t) => worn ?? passing(things, t / seconds),
  };
}

/** The score's time: in the still part it stands, with soft ends. */
function held(kind: ClipKind, seconds: number, t: number): number {
  if (!kind.still) return t;
  const [from, to] = [kind.still[0] * seconds, kind.still[1] * seconds];
  const end = from + seconds - to;
  return follow(
    [
      [0, 0],
      [from, from],
      [to, from],
      [seconds, end],
    ],
    t,
  );
}

/** Random keys `gap` seconds apart that come back to rest at the end. */
function wander(next: Next, seconds: number, gap: readonly [number, number], most: number, calm = 0.4): Track {
  const keys: [number, number][] = [[0, 0]];
  for (let t = 0.3 * next(); t < seconds - 0.2; t += mix(gap[0], gap[1], next())) {
    if (t <= keys[keys.length - 1]![0] + 0.05) continue;
    keys.push([t, next() < calm ? 0.3 * most * (2 * next() - 1) : most * (2 * next() - 1)]);
  }
  keys.push([seconds + 0.01, 0]);
  return keys;
}

const only = (track: Track, sign: 1 | -1): Track => track.map(([t, v]) => [t, Math.max(0, sign * v)] as const);

function writeScore(kind: ClipKind, next: Next, seconds: number): Score {
  const pace = (a: number, b: number): [number, number] => [a / kind.tempo, b / kind.tempo];
  const blinks: number[] = [];
  for (let t = 0.3 + next(); t < seconds; t += mix(0.7, 2.4, next()))
    if (!kind.still || Math.abs(t - kind.still[0] * seconds) > 0.4) blinks.push(t);
  const spans: Span[] = [];
  for (let t = 0.4 * next(); t < seconds - 0.8; t += 2.6 + next()) spans.push([t, Math.min(seconds, t + 1.8 + next())]);
  return {
    yaw: wander(next, seconds, pace(0.45, 1), kind.yaw, 0.25),
    pitch: wander(next, seconds, pace(0.35, 0.9), kind.pitch),
    roll: wander(next, seconds, pace(0.6, 1.2), 0.6 * kind.pitch),
    lean: wander(next, seconds, pace(1, 2), 0.8),
    gazeYaw: saccades(next, seconds, 26),
    gazePitch: saccades(next, seconds, 12),
    smile: only(wander(next, seconds, [0.6, 1.2], 1), 1),
    teeth: only(wander(next, seconds, [0.7, 1.4], 0.8), 1),
    jaw: only(wander(next, seconds, [0.5, 1.1], 0.7), 1),
    brows: wander(next, seconds, [0.4, 0.9], 1, 0.2),
    worry: only(wander(next, seconds, [0.8, 1.6], 0.6), 1),
    squint: only(wander(next, seconds, [0.8, 1.6], 0.5), 1),
    blinks,
    spoken: syllables(Math.floor(next() * 1e6), spans),
  };
}

/** The eyes jump within 40 ms and rest for a third of a second to one. */
function saccades(next: Next, seconds: number, most: number): Track {
  const keys: [number, number][] = [[0, 0]];
  let value = 0;
  for (let t = 0.25 + 0.4 * next(); t < seconds - 0.1; t += mix(0.3, 1, next())) {
    keys.push([t, value]);
    value = most * (2 * next() - 1);
    keys.push([t + 0.04, value]);
  }
  return keys;
}

function poseAt(s: Score, t: number): Pose {
  const yaw = follow(s.yaw, t);
  return {
    ...NEUTRAL_POSE,
    yaw: yaw * DEG,
    pitch: follow(s.pitch, t) * DEG,
    roll: follow(s.roll, t) * DEG,
    gaze: [follow(s.gazeYaw, t) * DEG, follow(s.gazePitch, t) * DEG],
    lean: follow(s.lean, t),
    torsoYaw: 0.12 * yaw * DEG,
  };
}

function faceAt(s: Score, t: number): Face {
  const spoken = speak(s.spoken, t);
  const shut = blink(s.blinks, t);
  const teeth = follow(s.teeth, t);
  return {
    ...NEUTRAL_FACE,
    ...spoken,
    jaw: clamp(Math.max(spoken.jaw, follow(s.jaw, t) * (1 - spoken.press), 0.15 * teeth), 0, 1),
    smile: clamp(follow(s.smile, t), 0, 1),
    teeth: clamp(teeth, 0, 1),
    brows: clamp(follow(s.brows, t), -1, 1),
    worry: clamp(follow(s.worry, t), 0, 1),
    squint: clamp(follow(s.squint, t), 0, 1),
    blinkLeft: shut,
    blinkRight: shut,
  };
}

/** `u` runs 0–1 over the clip: a coloured wall turns around the performer, or the key crosses in front. */
function lightAt(kind: ClipKind, base: LightPlan, u: number): LightPlan {
  const steady: LightPlan = { ...base, exposure: 0.4 * base.exposure, key: mix(0.7, 1.1, clamp(base.key, 0, 1)) };
  if (kind.light === 'key') return { ...steady, keyAzimuth: mix(-1.25, 1.25, u), keyElevation: 0.35, wall: 0 };
  if (kind.light === 'steady') return { ...steady, wall: 0.5 * base.wall };
  return {
    ...steady,
    key: 0.35,
    wall: 1.1,
    wallAzimuth: mix(-1.7, 1.7, smoothstep(0, 1, u)),
    wallElevation: 0.1,
    wallColour: hueColour(0.55 + 0.75 * u, 0.85),
    ambient: 0.8,
  };
}

/** One after another the things rise before the face, linger and leave to the side. */
function passing(things: readonly Occluder[], u: number): Occluder | null {
  const i = Math.floor(u * things.length);
  const thing = things[i];
  if (!thing) return null;
  const v = u * things.length - i;
  if (v < 0.15 || v > 0.9) return null;
  const come = smoothstep(0.55, 0.15, v);
  const go = smoothstep(0.6, 0.9, v);
  const [x, y, z] = thing.offset;
  return { ...thing, offset: [0.5 * x + 2.4 * go - 0.8 * come, y - 2.6 * come - 0.6 * go, z] };
}

/** Two people: they cross in the first half, then the nearer one leaves the picture and comes back. */
function walk(kind: ClipKind, role: 0 | 1, seconds: number): (t: number) => Vec3 {
  if (kind.people === 1) return () => [0, 0, 0];
  const side = role === 0 ? -1 : 1;
  const z = role === 0 ? 1.2 : -1.2;
  return (t) => {
    const u = t / seconds;
    const cross = smoothstep(0.12, 0.42, u);
    const away = role === 0 ? smoothstep(0.55, 0.7, u) - smoothstep(0.8, 0.95, u) : 0;
    return [mix(side, -side, cross) * 1.9 + 5 * away, 0, z];
  };
}
