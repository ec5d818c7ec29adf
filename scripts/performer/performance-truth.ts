import type { Identity } from './identity.ts';
import type { ClipJob, ClipPicture, PersonTruth } from './performance-clip.ts';
import { truthNames } from './performance-clip.ts';

const DEG = 180 / Math.PI;
const round = (v: number, digits = 3): number => Number(v.toFixed(digits));

/** What `truth.json` says of one person in one frame. Pixels from the upper left corner, degrees, rig values 0–1 (brows −1–1). */
function describePerson(p: PersonTruth) {
  const { numbers: n } = p;
  const at = (i: number): [number, number] => [round(n.driver[2 * i]!, 1), round(n.driver[2 * i + 1]!, 1)];
  return {
    person: p.person,
    present: p.visible > 0.25,
    visible: round(p.visible, 2),
    box: n.box.map((v) => round(v, 1)),
    faceSize: round(n.faceSize, 1),
    yawDeg: round((n.pose.yaw + n.pose.torsoYaw) * DEG, 2),
    pitchDeg: round(n.pose.pitch * DEG, 2),
    rollDeg: round(n.pose.roll * DEG, 2),
    gazeDeg: n.gaze.map((v) => round(v * DEG, 2)),
    rig: Object.fromEntries(Object.entries(n.face).map(([k, v]) => [k, round(v as number)])),
    irises: [at(468), at(473)],
  };
}

/** The header and the frames of a clip as JSON text, one frame a line. */
export function describeClip(
  name: string,
  job: ClipJob,
  people: readonly Identity[],
  pictures: readonly ClipPicture[],
): string {
  const { kind, seconds } = job;
  const span = (s: readonly [number, number] | null) => s?.map((v) => Math.round(v * seconds * job.fps)) ?? null;
  const header = {
    format: 1,
    name,
    kind: kind.name,
    width: job.width,
    height: job.height,
    fps: job.fps,
    frameCount: pictures.length,
    seed: job.seed,
    truths: truthNames(job),
    people: people.map((p) => ({
      name: p.name,
      seed: p.seed,
      sex: p.sex,
      age: round(p.age, 2),
      hair: p.hair?.name ?? null,
    })),
    occluders: [...kind.occluders, ...(kind.worn ? ['spectacles'] : [])],
    light: kind.light,
    /** First frame and the one past the last, or null. */
    still: span(kind.still),
    fast: span(kind.fast),
    aged: kind.aged,
    note: 'left and right are the performer’s own; yaw and gaze > 0 turn to their left, pitch > 0 up; person 0 is the nearer one',
  };
  const frames = pictures.map((p, i) => {
    const { light } = p.people[0]!.numbers;
    return JSON.stringify({
      frame: i,
      people: p.people.map(describePerson),
      light: {
        keyAzimuthDeg: round(light.keyAzimuth * DEG, 1),
        wall: round(light.wall),
        wallAzimuthDeg: round(light.wallAzimuth * DEG, 1),
        wallColour: light.wallColour.map((v) => round(v)),
        exposure: round(light.exposure, 2),
      },
    });
  });
  return `${JSON.stringify(header).slice(0, -1)},"frames":[\n${frames.join(',\n')}\n]}\n`;
}
