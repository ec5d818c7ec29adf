import type { Moment } from './frame.ts';
import { NEUTRAL_POSE, type Pose } from './pose.ts';
import { expressionUnits, type Face, NEUTRAL_FACE } from './rig.ts';
import { cameraAt, studioLight } from './scene.ts';
import { clamp, random, smoothstep } from './vec.ts';

/** Length of the performance; the first and the last picture are equal, so that it loops. */
export const DEMO_SECONDS = 11;

/** Key poses of one channel: seconds → value, joined by monotone cubics; at rest at both ends. */
export type Track = readonly (readonly [seconds: number, value: number])[];

/** Value of a track at `t`: Hermite cubics with Fritsch–Carlson slopes (no overshoot between keys). */
export function follow(track: Track, t: number): number {
  const n = track.length;
  if (t <= track[0]![0]) return track[0]![1];
  if (t >= track[n - 1]![0]) return track[n - 1]![1];
  let i = 0;
  while (t > track[i + 1]![0]) i++;
  const slope = (k: number): number => {
    if (k <= 0 || k >= n - 1) return 0;
    const before = (track[k]![1] - track[k - 1]![1]) / (track[k]![0] - track[k - 1]![0]);
    const after = (track[k + 1]![1] - track[k]![1]) / (track[k + 1]![0] - track[k]![0]);
    return before * after <= 0 ? 0 : (2 * before * after) / (before + after);
  };
  const [t0, a] = track[i]!;
  const [t1, b] = track[i + 1]!;
  const h = t1 - t0;
  const u = (t - t0) / h;
  const u2 = u * u;
  const u3 = u2 * u;
  return (
    (2 * u3 - 3 * u2 + 1) * a + (u3 - 2 * u2 + u) * h * slope(i) + (3 * u2 - 2 * u3) * b + (u3 - u2) * h * slope(i + 1)
  );
}

const DEG = Math.PI / 180;
const YAW: Track = [
  [0, 0],
  [0.8, 0],
  [1.3, 7],
  [2, -5],
  [2.6, 4],
  [3.4, -2],
  [4.2, 0],
  [4.95, 29],
  [5.5, 31],
  [6.7, -29],
  [7.2, -31],
  [8, -6],
  [8.7, 5],
  [9.4, -3],
  [10.3, 0],
  [11, 0],
];
const PITCH: Track = [
  [0, 0],
  [1, 0],
  [1.4, -5],
  [1.8, 3],
  [2.3, -4],
  [2.8, 4],
  [3.3, 1],
  [3.9, 6],
  [4.5, 0],
  [5.3, 4],
  [6.1, -4],
  [7, 3],
  [7.7, -9],
  [8.3, 2],
  [8.7, -4],
  [9.2, 4],
  [9.7, -2],
  [10.4, 0],
  [11, 0],
];
const ROLL: Track = [
  [0, 0],
  [1.2, 2],
  [2.2, -3],
  [3.4, 4],
  [4.3, 0],
  [5.2, -4],
  [6.1, 0],
  [7, 4],
  [8, -2],
  [9, 3],
  [10.2, 0],
  [11, 0],
];
const LEAN: Track = [
  [0, 0],
  [1, 0.1],
  [3, -0.5],
  [4.6, -0.7],
  [7.2, -0.5],
  [8.6, 2.5],
  [9.2, 2.6],
  [10.6, 0],
  [11, 0],
];
const SHIFT: Track = [
  [0, 0],
  [2, 0.15],
  [4, -0.1],
  [5.4, 0.45],
  [7, -0.5],
  [8.8, 0.1],
  [10.4, 0],
  [11, 0],
];
const GAZE_YAW: Track = [
  [0, 0],
  [1.1, 0],
  [1.25, -6],
  [1.9, -5],
  [2.05, 4],
  [2.5, 3],
  [2.65, -3],
  [4, 0],
  [4.25, 18],
  [4.6, 16],
  [5.2, 4],
  [5.6, 2],
  [5.8, -16],
  [6.3, -14],
  [6.9, -3],
  [7.3, 0],
  [7.45, 12],
  [7.9, 4],
  [8.2, -4],
  [9, 2],
  [10, 0],
  [11, 0],
];
const GAZE_PITCH: Track = [
  [0, 0],
  [1.2, 0],
  [1.35, 4],
  [1.8, 3],
  [2, -3],
  [3, 0],
  [3.8, -4],
  [4.3, 0],
  [7.5, 0],
  [7.7, -12],
  [8, -6],
  [8.2, 0],
  [11, 0],
];
const BROWS: Track = [
  [0, 0],
  [1.2, 0],
  [1.5, 0.7],
  [2, 0.1],
  [2.4, 0.55],
  [2.9, 0],
  [3.4, 0.45],
  [4.1, 0.2],
  [5, -0.1],
  [5.8, -0.5],
  [6.5, 0],
  [7.1, 0.35],
  [7.7, 0],
  [8.4, 0.6],
  [9, 0.2],
  [9.6, -0.35],
  [10.2, 0],
  [11, 0],
];
const SMILE: Track = [
  [0, 0.08],
  [1, 0.08],
  [2.4, 0.15],
  [3.1, 0.3],
  [3.5, 1],
  [4.2, 1],
  [4.9, 0.35],
  [6.2, 0.1],
  [7.4, 0.15],
  [8.9, 0.2],
  [9.4, 0.75],
  [10, 0.6],
  [10.7, 0.08],
  [11, 0.08],
];
const TEETH: Track = [
  [0, 0],
  [3.15, 0],
  [3.5, 0.85],
  [4.1, 0.8],
  [4.7, 0],
  [9.2, 0],
  [9.5, 0.4],
  [10, 0],
  [11, 0],
];
const BLINKS = [0.45, 2.15, 4.3, 5.68, 7.35, 8.95, 10.55];
/** When the performer speaks: from, to. */
const SPEECH = [
  [0.9, 3.15],
  [4.75, 6.9],
  [7.5, 9.3],
] as const;
const SYLLABLES_A_SECOND = 4.6;

export interface Syllable {
  at: number;
  jaw: number;
  pucker: number;
  wide: number;
  press: number;
}

/** Invented syllables in the given spans of time: a jaw peak each, rounded or stretched, some opened by pressed lips. */
export function syllables(seed: number, spans: readonly (readonly [from: number, to: number])[]): Syllable[] {
  const next = random(seed);
  const list: Syllable[] = [];
  for (const [from, to] of spans)
    for (let t = from + 0.12; t < to - 0.1; t += (0.75 + 0.5 * next()) / SYLLABLES_A_SECOND) {
      const round = next() < 0.38;
      const jaw = 0.25 + 0.6 * next();
      list.push({
        at: t,
        jaw,
        pucker: round ? 0.45 + 0.5 * next() : 0,
        wide: round ? 0 : 0.25 + 0.6 * next(),
        press: next() < 0.28 ? 1 : 0,
      });
      if (next() < 0.12) t += 0.16;
    }
  return list;
}

const bell = (d: number, width: number): number => Math.exp(-((d / width) ** 2));

/** What the mouth does at `t` when it speaks them. */
export function speak(list: readonly Syllable[], t: number): Pick<Face, 'jaw' | 'pucker' | 'wide' | 'press'> {
  const out = { jaw: 0, pucker: 0, wide: 0, press: 0 };
  for (const s of list) {
    const d = t - s.at;
    if (Math.abs(d) > 0.5) continue;
    out.jaw = Math.max(out.jaw, s.jaw * bell(d, 0.085));
    out.pucker = Math.max(out.pucker, s.pucker * bell(d, 0.11));
    out.wide = Math.max(out.wide, s.wide * bell(d, 0.11));
    out.press = Math.max(out.press, s.press * bell(d + 0.13, 0.045));
  }
  out.jaw *= 1 - 0.8 * out.press;
  return out;
}

/** How far the lids are shut at `t` when blinks peak at the given seconds. */
export function blink(times: readonly number[], t: number): number {
  let shut = 0;
  for (const at of times) {
    const d = t - at;
    // Down in 80 ms, up in 170.
    shut = Math.max(shut, d < 0 ? smoothstep(-0.085, 0, d) : d < 0.03 ? 1 : smoothstep(0.2, 0.03, d));
  }
  return shut;
}

/** Slow wander that returns to zero at both ends of the clip. */
const wander = (t: number, cycles: number, phase: number): number =>
  Math.sin((2 * Math.PI * cycles * t) / DEMO_SECONDS + phase) - Math.sin(phase);

const SPOKEN = syllables(4, SPEECH);

/** The demo performance at `t` seconds (0 … DEMO_SECONDS). */
export function demoMoment(t: number): Moment {
  const gaze = [follow(GAZE_YAW, t) * DEG, follow(GAZE_PITCH, t) * DEG] as const;
  const lean = follow(LEAN, t);
  const yaw = follow(YAW, t);
  const pose: Pose = {
    ...NEUTRAL_POSE,
    yaw: (yaw + 0.5 * wander(t, 5, 1)) * DEG,
    pitch: (follow(PITCH, t) + 0.5 * wander(t, 7, 2)) * DEG,
    roll: (follow(ROLL, t) + 0.4 * wander(t, 4, 0.5)) * DEG,
    gaze: [gaze[0] + 0.004 * wander(t, 19, 0), gaze[1] + 0.003 * wander(t, 23, 1)],
    lean: lean + 0.03 * wander(t, 3, 0),
    shift: follow(SHIFT, t),
    rise: 0.02 * wander(t, 3, 0.7),
    torsoYaw: 0.14 * yaw * DEG,
    torsoRoll: 0.01 * wander(t, 2, 0),
  };
  const shut = blink(BLINKS, t);
  const smile = clamp(follow(SMILE, t), 0, 1);
  const spoken = speak(SPOKEN, t);
  const face: Face = {
    ...NEUTRAL_FACE,
    ...spoken,
    jaw: Math.max(spoken.jaw, 0.18 * follow(TEETH, t)),
    smile,
    teeth: follow(TEETH, t),
    brows: follow(BROWS, t),
    worry: 0.25 * Math.max(0, wander(t, 2, -0.4)),
    blinkLeft: shut,
    blinkRight: shut,
  };
  const turn = 0.5 - 0.5 * Math.cos((2 * Math.PI * t) / DEMO_SECONDS);
  return {
    expression: expressionUnits(face, gaze[1]),
    pose,
    camera: cameraAt(9, 5.5, 0, -0.75),
    lighting: studioLight(0.95 - 0.75 * turn, 0.55, 1 + 0.1 * turn, 0.5 - 0.5 * turn),
  };
}
