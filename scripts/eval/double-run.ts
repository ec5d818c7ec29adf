import type { Occlusion } from '../../server/double/occlusion/occlusion.ts';
import type { LookParams, Replacer } from '../../server/double/replacer.ts';
import { FaceStage, type ShownFace } from '../../server/engine/face-stage.ts';
import type { Perceiver } from '../../server/face/perceiver.ts';
import type { Picture } from '../../server/frame/frame.ts';
import { detailDistance } from './age-measures.ts';
import type { EngineParts } from './engine.ts';
import type { ExpressionRuler } from './expression-ruler.ts';
import type { FaceReader } from './face-reader.ts';
import type { Expression } from './face-signals.ts';
import { FlickerMeter, type State } from './flicker.ts';
import { boundsOf, isInside, keptPixels, maskIn } from './masks.ts';
import type { Performance } from './performances.ts';
import { type Area, rgbOf } from './rgb.ts';
import type { ContactSheet } from './sheet.ts';
import type { SideBySide } from './side-by-side.ts';
import { halvedTo, type LightSample, lightSamples, meanDifference, psnrDb, ssim } from './similarity.ts';
import { skinOnly } from './skin.ts';
import { readTogether } from './together.ts';

/** Light is compared of at most so many pixels across, blurred with this share of the face's width. */
const LIGHT_SIDE = 128;
const LIGHT_SIGMA = 0.05;

/** One take through the engine: a rendered performance with its truth, or a camera's clip without. */
export interface Run {
  name: string;
  plate: string;
  /** Video of how the program should look, and what the renderer knows of the performance. */
  truth: string | null;
  performance: Performance | null;
  replacer: Replacer;
  params: LookParams;
  maxFrames: number;
  /** Slow measures of every n-th picture. */
  every: number;
  sheet: ContactSheet;
  sheetEvery: number;
  film: SideBySide | null;
}

type Side = 'plate' | 'program' | 'truth';

/** What one run has to tell, picture by picture; not yet reduced. */
export class RunResult {
  frames = 0;
  /** Pictures in which the face was replaced (or changed, by an age treatment). */
  replaced = 0;
  psnr: number[] = [];
  ssim: number[] = [];
  /** The light on bare skin, program and truth, of every picture compared. */
  light: LightSample[][] = [];
  /** Mean difference to the truth, code values: of plate and of program. */
  distance: Record<'plate' | 'program', number[]> = { plate: [], program: [] };
  /** The same without the broad part of the difference. */
  detail: Record<'plate' | 'program', number[]> = { plate: [], program: [] };
  kept = { same: 0, count: 0 };
  /** One entry a picture; null where the face is not replaced or not found. */
  landmarks: Record<Side, (Float32Array | null)[]> = { plate: [], program: [], truth: [] };
  expressions: Record<Side, (Expression | null)[]> = { plate: [], program: [], truth: [] };
  flicker = new FlickerMeter();
  troubles = new Set<string>();
}

/** What looks at plate, program and truth. */
export interface Readers {
  reader: FaceReader;
  ruler: ExpressionRuler;
}

/** Runs the engine's own code over a performance, picture by picture, and measures before anything is encoded. */
export async function runDouble(engine: EngineParts, readers: Readers, run: Run): Promise<RunResult> {
  const take = new Take(engine, await engine.perceiver(), await engine.occlusion(), readers, run);
  const { performance } = run;
  const files = {
    plate: run.plate,
    truth: run.truth,
    face: performance?.video('face') ?? null,
    kept: performance?.video('kept') ?? null,
  };
  try {
    for await (const pictures of readTogether(files, engine.pictures)) {
      const program = engine.pictures.copy(pictures.plate!);
      try {
        await take.frame({ ...pictures, plate: pictures.plate!, program });
      } finally {
        engine.pictures.give(program);
      }
      if (take.result.frames >= run.maxFrames) break;
    }
  } finally {
    take.close();
  }
  take.result.flicker.end();
  return take.result;
}

interface Moment {
  plate: Picture;
  program: Picture;
  truth: Picture | null;
  face: Picture | null;
  kept: Picture | null;
}

class Take {
  readonly result = new RunResult();
  readonly #run: Run;
  readonly #stage: FaceStage;
  readonly #reader: FaceReader;
  readonly #ruler: ExpressionRuler;

  constructor(
    engine: EngineParts,
    perceiver: Perceiver,
    occlusion: Occlusion | null,
    { reader, ruler }: Readers,
    run: Run,
  ) {
    this.#run = run;
    this.#reader = reader;
    this.#ruler = ruler;
    reader.forget();
    this.#stage = new FaceStage({ ...engine, perceiver, occlusion });
    this.#stage.use(run.replacer);
  }

  close(): void {
    this.#stage.close();
  }

  async frame(moment: Moment): Promise<void> {
    const { result } = this;
    const index = result.frames++;
    const report = await this.#stage.process(moment.program, 'look', this.#run.params);
    if (report.trouble) result.troubles.add(report.trouble);
    const area = moment.face ? boundsOf(moment.face) : null;
    const shown = largest(report.faces, area);
    const treated = shown?.treatment.kind === 'replace' || shown?.treatment.kind === 'change';
    const points = treated ? (shown?.track.landmarks?.points ?? null) : null;
    await this.#follow(index, moment, points);
    if (points) {
      result.replaced++;
      if (moment.kept && !report.coveredWhole) this.#countKept(moment, points);
      const slow = index % this.#run.every === this.#run.every - 1;
      if (slow && moment.truth && moment.face && area) this.#compare(moment, area, points);
    }
    await this.#picture(index, moment, shown?.track.box ?? null);
  }

  /** Landmarks of all sides, each read anew; nothing where the face is not replaced. */
  async #follow(index: number, moment: Moment, points: Float32Array | null): Promise<void> {
    const { landmarks, expressions, flicker } = this.result;
    if (!points) this.#reader.forget();
    for (const side of ['plate', 'program', 'truth'] as const) {
      const picture = moment[side];
      const read = picture && points ? await this.#reader.read(side, picture, points) : null;
      landmarks[side].push(read);
      expressions[side].push(read ? await this.#ruler.read(this.#reader.looked, read) : null);
    }
    const { face, kept } = moment;
    flicker.add(
      moment,
      landmarks.plate[index] ?? null,
      stateAt(this.#run.performance, index),
      (x, y) => !(face && !isInside(face, x, y)) && !(kept && isInside(kept, x, y)),
    );
  }

  #countKept(moment: Moment, points: Float32Array): void {
    const { same, count } = keptPixels(moment.plate, moment.program, moment.kept!, points);
    this.result.kept.same += same;
    this.result.kept.count += count;
  }

  #compare(moment: Moment, area: Area, points: Float32Array): void {
    const { result } = this;
    const { face, kept, plate, program, truth } = moment;
    const [, , width, height] = area;
    const masked = { width, height, mask: maskIn(area, face!, kept) };
    const [was, is, should] = [plate, program, truth!].map((picture) => rgbOf(picture, area)) as [
      Buffer,
      Buffer,
      Buffer,
    ];
    result.psnr.push(psnrDb(is, should, masked));
    result.ssim.push(ssim(is, should, masked));
    result.distance.plate.push(meanDifference(was, should, masked));
    result.distance.program.push(meanDifference(is, should, masked));
    result.detail.plate.push(detailDistance(was, should, masked));
    result.detail.program.push(detailDistance(is, should, masked));
    const bare = skinOnly(new Float32Array(plate.width * plate.height).fill(1), plate, points);
    const skin = Uint8Array.from(masked.mask, (inside, i) => {
      const at = (area[1] + Math.floor(i / width)) * plate.width + area[0] + (i % width);
      return inside && bare[at] ? 1 : 0;
    });
    const small = halvedTo([is, should], { width, height, mask: skin }, LIGHT_SIDE);
    const [a, b] = small.rgb as [Uint8Array, Uint8Array];
    result.light.push(lightSamples(a, b, small.masked, LIGHT_SIGMA * small.masked.width));
  }

  async #picture(
    index: number,
    moment: Moment,
    box: { x: number; y: number; w: number; h: number } | null,
  ): Promise<void> {
    const sides = [moment.plate, moment.program, ...(moment.truth ? [moment.truth] : [])];
    const { film, sheet, sheetEvery } = this.#run;
    const side = box ? 1.5 * Math.max(box.w, box.h) : 0;
    const around: Area | null = box && [box.x + box.w / 2 - side / 2, box.y + box.h / 2 - side / 2, side, side];
    await film?.add(sides, around);
    if (around && index % sheetEvery === Math.floor(sheetEvery / 2)) await sheet.add(sides, around);
  }
}

/** The face the performance is about: over the middle of the mask, or the largest. */
function largest(faces: readonly ShownFace[], area: Area | null): ShownFace | null {
  let best: ShownFace | null = null;
  for (const face of faces) {
    const { x, y, w, h } = face.track.box;
    if (area) {
      const [cx, cy] = [area[0] + area[2] / 2, area[1] + area[3] / 2];
      if (cx < x || cx > x + w || cy < y || cy > y + h) continue;
    }
    if (!best || w * h > best.track.box.w * best.track.box.h) best = face;
  }
  return best;
}

function stateAt(performance: Performance | null, index: number): State | 'by speed' {
  const within = (range: readonly [number, number] | null | undefined): boolean =>
    range ? index >= range[0] && index < range[1] : false;
  return within(performance?.still) ? 'still' : within(performance?.fast) ? 'moving' : 'by speed';
}
