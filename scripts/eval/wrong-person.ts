import type { Replacer } from '../../server/double/replacer.ts';
import { Castings } from '../../server/engine/casting/castings.ts';
import { type Head, onHead, readHead } from '../../server/engine/casting/head.ts';
import { readShapeModel } from '../../server/engine/casting/shape.ts';
import { FaceStage, type ShownFace } from '../../server/engine/face-stage.ts';
import type { Casting } from '../../server/wire/casting.ts';
import { type EngineParts, MODELS_DIR } from './engine.ts';
import type { Performance, PersonMoment } from './performances.ts';
import type { ContactSheet } from './sheet.ts';
import { readVideo } from './video.ts';

/** Pictures at the beginning, people still apart, whose mean landmarks stand for the faces at rest that a crew captures before. */
const CAPTURE = 12;

/** What became of two people who are cast each in a double of their own. */
export interface CrossingSummary {
  clip: string;
  frames: number;
  /** Pictures in which somebody wears the other's double. */
  wrong: number;
  /** Of the pictures in which each person's face is to be seen, those in which they wear their own double, %. The others are covered. */
  own_pct: number[];
  /** The same over the second half, after the crossing, when nobody has been bound by hand again. */
  own_after_pct: number[];
}

/** Who stands where a face is; null when nobody does. Where both do, who is nearer to its middle. */
export function personAt(face: ShownFace, people: readonly PersonMoment[]): number | null {
  const { x, y, w, h } = face.track.box;
  const [cx, cy] = [x + w / 2, y + h / 2];
  let nearest: number | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const { person, present, box } of people) {
    if (!present || cx < box[0] || cx > box[0] + box[2] || cy < box[1] || cy > box[1] + box[3]) continue;
    const distance = Math.hypot(box[0] + box[2] / 2 - cx, box[1] + box[3] / 2 - cy);
    if (distance < least) [nearest, least] = [person, distance];
  }
  return nearest;
}

/** Counts, picture by picture, whose double each person wears. Casting `p0` is person 0's, and so on. */
export class WhoWearsWhat {
  wrong = 0;
  readonly #seen: { person: number; own: boolean; frame: number }[] = [];
  #frames = 0;

  add(faces: readonly ShownFace[], people: readonly PersonMoment[]): void {
    const frame = this.#frames++;
    const worn = faces.filter(({ treatment }) => treatment.kind === 'replace' || treatment.kind === 'change');
    const wearing = worn.map((face) => ({ casting: face.casting, person: personAt(face, people) }));
    if (wearing.some(({ casting, person }) => person !== null && casting !== `p${person}`)) this.wrong++;
    for (const { person, present } of people) {
      if (!present) continue;
      this.#seen.push({
        person,
        frame,
        own: wearing.some((one) => one.person === person && one.casting === `p${person}`),
      });
    }
  }

  summary(clip: string, people: number): CrossingSummary {
    const share = (person: number, from: number): number => {
      const seen = this.#seen.filter((one) => one.person === person && one.frame >= from);
      return (100 * seen.filter(({ own }) => own).length) / seen.length;
    };
    const each = (from: number): number[] => Array.from({ length: people }, (_, person) => share(person, from));
    return {
      clip,
      frames: this.#frames,
      wrong: this.wrong,
      own_pct: each(0),
      own_after_pct: each(Math.floor(this.#frames / 2)),
    };
  }
}

/** Mean landmarks on the head of each person, over a few pictures. */
class Faces {
  readonly #head: Head;
  readonly #sums = new Map<number, { points: Float64Array; count: number }>();

  constructor(head: Head) {
    this.#head = head;
  }

  add(faces: readonly ShownFace[], people: readonly PersonMoment[]): void {
    for (const face of faces) {
      const person = personAt(face, people);
      if (person === null || face.track.state !== 'known' || !face.track.landmarks) continue;
      const points = onHead(this.#head, face.track.landmarks.points);
      const sum = this.#sums.get(person) ?? { points: new Float64Array(points.length), count: 0 };
      for (const [k, value] of points.entries()) sum.points[k]! += value;
      sum.count++;
      this.#sums.set(person, sum);
    }
  }

  neutral(person: number): { points: number[]; spread: number; atMs: number } | null {
    const sum = this.#sums.get(person);
    return sum ? { points: [...sum.points.map((value) => value / sum.count)], spread: 0, atMs: 1 } : null;
  }
}

/** The engine's own casting over a performance of several people. @param looks one a person, the stage's to close. */
export async function crossing(
  engine: EngineParts,
  performance: Performance,
  looks: readonly Replacer[],
  sheet: ContactSheet,
): Promise<CrossingSummary> {
  const head = readHead(MODELS_DIR);
  const castings = new Castings({ head, model: readShapeModel(MODELS_DIR) });
  const stage = new FaceStage({
    ...engine,
    perceiver: await engine.perceiver(),
    occlusion: await engine.occlusion(),
    castings,
  });
  stage.wear({ looks: new Map(looks.map((look, k) => [`look${k}`, look])), own: 'look0' });
  const cast = performance.people.map(
    ({ name }, person): Casting => ({ id: `p${person}`, performer: name, look: `look${person}`, age: 0 }),
  );
  castings.set(cast.map((casting) => ({ casting, neutral: null })));
  const [who, rest, tapped] = [new WhoWearsWhat(), new Faces(head), new Set<number>()];
  let frame = 0;
  try {
    for await (const program of readVideo(performance.video('plate')!, engine.pictures)) {
      const people = performance.frames[frame]?.people ?? [];
      const plate = engine.pictures.copy(program);
      const { faces } = await stage.process(program, 'blur');
      who.add(faces, people);
      if (frame < CAPTURE) rest.add(faces, people);
      if (frame === CAPTURE) castings.set(cast.map((casting, person) => ({ casting, neutral: rest.neutral(person) })));
      for (const face of faces) {
        const person = personAt(face, people);
        if (person === null || tapped.has(person) || face.track.state !== 'known') continue;
        tapped.add(person);
        castings.bind(`p${person}`, face.track.id);
      }
      if (frame % 12 === 6) await sheet.add([plate, program], [plate.width / 4, 0, plate.width / 2, plate.height]);
      engine.pictures.give(plate);
      engine.pictures.give(program);
      frame++;
    }
  } finally {
    stage.close();
  }
  return who.summary(performance.name, performance.people.length);
}
