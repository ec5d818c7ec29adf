import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CommandError } from '../../server/cli/command.ts';
import { doublesAdd } from '../../server/cli/doubles-add.ts';
import { addDouble, NotAdded, type Said, sourceOf } from '../../server/double/adding.ts';
import { ColourMatch } from '../../server/double/colour-match.ts';
import { loadingOf } from '../../server/double/loading.ts';
import { blur, erode } from '../../server/double/mask.ts';
import { lastConstant } from '../../server/double/onnx-file.ts';
import { openDouble } from '../../server/double/open.ts';
import type { ReplacedFace } from '../../server/double/replacer.ts';
import { AS_IT_IS, alignTo, TEMPLATE_NAMES } from '../../server/double/templates.ts';
import { OVAL } from '../../server/face/mesh.ts';
import type { Landmarks } from '../../server/face/types.ts';
import { Arena } from '../../server/frame/arena.ts';
import { i420Bytes, type Picture, UNKNOWN_COLOUR } from '../../server/frame/frame.ts';
import { type Kernels, loadKernels } from '../../server/frame/kernels.ts';
import { diagnose } from '../../server/inference/diagnosis.ts';
import { createRuntime } from '../../server/inference/runtime.ts';
import type { Runtime } from '../../server/inference/session.ts';
import { CPU_ONLY } from '../../server/inference/settings.ts';
import { dfmModel, embeddingModel } from '../fixtures/owned-models.ts';
import { arenaPicture } from '../fixtures/video.ts';

const SIZE = 64;
const [WIDTH, HEIGHT] = [320, 240];
const BT709 = { ...UNKNOWN_COLOUR, matrix: 'bt709', range: 'limited' } as const;

let arena: Arena;
let kernels: Kernels;
let runtime: Runtime;
let folder: string;
beforeAll(() => {
  arena = new Arena(64);
  kernels = loadKernels(arena);
  runtime = createRuntime();
});
afterAll(() => runtime.close());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'understudy-owned-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Where the anchors lie on this test's face, seen upright: eyes 60 apart, chin below. Written down by hand, not taken from a template. */
const FACE: Record<string, [x: number, y: number]> = {
  '33,133': [-30, 0],
  '362,263': [30, 0],
  '1': [0, 34],
  '61': [-22, 62],
  '291': [22, 62],
  '152': [0, 110],
};
/** Turned, scaled and put somewhere into the frame. */
function place([x, y]: readonly [number, number], turn = 0.2, scale = 0.9): [number, number] {
  const [cos, sin] = [Math.cos(turn) * scale, Math.sin(turn) * scale];
  return [150 + cos * x - sin * y, 80 + sin * x + cos * y];
}
function landmarksOf(turn?: number, scale?: number): Landmarks {
  const points = new Float32Array(478 * 3);
  const set = (index: number, at: readonly [number, number]): void => points.set(place(at, turn, scale), 3 * index);
  OVAL.forEach((index, k) => {
    const angle = (2 * Math.PI * k) / OVAL.length;
    set(index, [62 * Math.sin(angle), 40 - 78 * Math.cos(angle)]);
  });
  for (const [index, at] of [
    [9, [0, -12]],
    [168, [0, 0]],
    [50, [-28, 36]],
    [280, [28, 36]],
    [164, [0, 50]],
    [199, [0, 92]],
  ] as const)
    set(index, at);
  for (const [names, at] of Object.entries(FACE)) for (const index of names.split(',')) set(Number(index), at);
  return { points, presence: 1, crop: { cx: 0, cy: 0, size: 1, rot: 0 } };
}

/** A picture whose samples are told by their place. */
function pictureOf(sample: (x: number, y: number) => [y: number, cb: number, cr: number]): Picture {
  const samples = new Uint8Array(i420Bytes(WIDTH, HEIGHT));
  const [luma, chroma] = [WIDTH * HEIGHT, (WIDTH / 2) * (HEIGHT / 2)];
  for (let y = 0; y < HEIGHT; y++) for (let x = 0; x < WIDTH; x++) samples[y * WIDTH + x] = sample(x, y)[0];
  for (let y = 0; y < HEIGHT; y += 2) {
    for (let x = 0; x < WIDTH; x += 2) {
      const at = luma + (y / 2) * (WIDTH / 2) + x / 2;
      [samples[at], samples[at + chroma]] = [sample(x, y)[1], sample(x, y)[2]];
    }
  }
  return arenaPicture(arena, WIDTH, HEIGHT, BT709).fill(samples, 0);
}

/** BT.709 limited range, as the standard has it. */
function rgbOf(y: number, cb: number, cr: number): [number, number, number] {
  const [l, b, r] = [(y - 16) / 219, (cb - 128) / 224, (cr - 128) / 224];
  return [l + 1.5748 * r, l - 0.1873 * b - 0.4681 * r, l + 1.8556 * b];
}

const SAID: Omit<Said, 'out'> = {
  ...{ name: 'theirs', licence: 'a contract', fictional: true, again: false, embedding: null },
  ...{ template: null, mean: null, std: null, range: null, maxYawDeg: 45 },
};

/** Adds a model and opens it with other keys in its manifest. */
async function opened(model: Uint8Array, said: Partial<Said>, keys: Record<string, unknown>) {
  const file = join(folder, 'model.dfm');
  writeFileSync(file, model);
  const probe = { picture: pictureOf((x) => [60 + (x % 120), 120, 140]), landmarks: landmarksOf() };
  const parts = { arena, kernels, probe, runtimes: [{ provider: 'cpu' as const, runtime }] };
  const { dir, ms } = await addDouble(file, { ...SAID, out: folder, ...said }, parts);
  expect(ms.cpu).toBeGreaterThan(0);
  const manifest = join(dir, 'double.json');
  writeFileSync(manifest, JSON.stringify({ ...(JSON.parse(readFileSync(manifest, 'utf8')) as object), ...keys }));
  return openDouble({ runtime, arena, kernels, dir });
}

const near = (values: readonly number[], wanted: readonly number[], within: number): void => {
  expect(values.length).toBe(wanted.length);
  for (const [k, value] of values.entries()) expect(Math.abs(value - (wanted[k] ?? Number.NaN))).toBeLessThan(within);
};

const pixel = ({ at, size }: ReplacedFace, x: number, y: number): number[] => {
  const layer = arena.floats(at, 4 * size * size);
  return [0, 1, 2, 3].map((plane) => layer[plane * size * size + y * size + x]!);
};

describe('where a model wants the face', () => {
  test.each(TEMPLATE_NAMES)('%s: a face that fits is brought there exactly, whatever its turn and size', (name) => {
    // Built backwards: landmarks are put where the template, turned and scaled by hand, says.
    const identity = landmarksOf();
    const framing = name === 'dfl_468' ? { coverage: 2.2, x: 0, y: 0 } : AS_IT_IS;
    const straight = alignTo(name, identity, 100, framing);
    const turned = alignTo(name, landmarksOf(0.2 + 0.5, 0.9 * 1.7), 100, framing);
    for (const index of [33, 1, 291, 152]) {
      const at = (affine: readonly number[], { points }: Landmarks): number[] => {
        const [x, y] = [points[3 * index]!, points[3 * index + 1]!];
        return [affine[0]! * x + affine[1]! * y + affine[2]!, affine[3]! * x + affine[4]! * y + affine[5]!];
      };
      const [a, b] = [at(straight, identity), at(turned, landmarksOf(0.7, 1.53))];
      expect(Math.hypot(a[0]! - b[0]!, a[1]! - b[1]!)).toBeLessThan(0.01);
    }
  });

  test('DeepFaceLive’s crop: (t − (0.5, 0.42)) / coverage + 0.5', () => {
    // A face that has the template's own proportions, 200 pixels a unit from (40, 30).
    const template: Record<string, [number, number]> = {
      '33,133': [0.2233, 0.2333],
      '362,263': [0.7565, 0.2324],
      '1': [0.4904, 0.5272],
      '61': [0.2817, 0.7885],
      '291': [0.7, 0.7878],
      '152': [0.4916, 1.2484],
    };
    const points = new Float32Array(478 * 3);
    for (const [names, [u, v]] of Object.entries(template))
      for (const index of names.split(',')) points.set([40 + 200 * u, 30 + 200 * v], 3 * Number(index));
    const [a, b, c, d, e, f] = alignTo('dfl_468', { points }, 224, { coverage: 2.2, x: 0, y: 0 });
    for (const [u, v] of Object.values(template)) {
      const [x, y] = [40 + 200 * u, 30 + 200 * v];
      expect(a * x + b * y + c).toBeCloseTo(((u - 0.5) / 2.2 + 0.5) * 224, 2);
      expect(d * x + e * y + f).toBeCloseTo(((v - 0.42) / 2.2 + 0.5) * 224, 2);
    }
  });

  test('inswapper’s template: the eyes of a face that fits lie at 46.3 and 81.5 of 128', () => {
    const arcface = [
      [0.36168, 0.40388],
      [0.63697, 0.40235],
      [0.5002, 0.56044],
      [0.3871, 0.72161],
      [0.61508, 0.72034],
    ] as const;
    const points = new Float32Array(478 * 3);
    [[33, 133], [362, 263], [1], [61], [291]].forEach((indices, k) => {
      for (const index of indices) points.set([10 + 300 * arcface[k]![0], 20 + 300 * arcface[k]![1]], 3 * index);
    });
    const [a, b, c] = alignTo('arcface_128', { points }, 128);
    const eye = (k: 0 | 1): number => a * (10 + 300 * arcface[k][0]) + b * (20 + 300 * arcface[k][1]) + c;
    expect([eye(0), eye(1)].map((value) => Number(value.toFixed(1)))).toEqual([46.3, 81.5]);
  });
});

describe('a DeepFaceLab export', () => {
  test('is given B, G, R and gives them back; its masks’ product hides the face, taken in and softened', async () => {
    const [y, cb, cr] = [120, 100, 160];
    const replacer = await opened(dfmModel(SIZE, { weights: [1, 0.5, 0] }), {}, { matchColour: false, morph: 0.8 });
    const made = await replacer.replace({
      picture: pictureOf(() => [y, cb, cr]),
      landmarks: landmarksOf(),
      params: {},
      trackId: 1,
    });
    const [r, g, b, alpha] = pixel(made, 32, 32);
    const wanted = rgbOf(y, cb, cr);
    expect(r).toBeCloseTo(0, 3);
    expect(g).toBeCloseTo(0.5 * wanted[1], 2);
    expect(b).toBeCloseTo(wanted[2], 2);
    expect(alpha).toBeCloseTo(0.8, 3);
    expect(pixel(made, 0, 0)[3]).toBeLessThan(0.2);
    replacer.close();
  });

  test('sees each place of the frame where the alignment says', async () => {
    const replacer = await opened(dfmModel(SIZE, { morph: false, open: false }), {}, { matchColour: false });
    const landmarks = landmarksOf();
    // A slope in both directions, without colour: a sample's value tells its place.
    const made = await replacer.replace({
      picture: pictureOf((x, y) => [16 + 0.5 * x + 0.2 * y, 128, 128]),
      landmarks,
      params: {},
      trackId: 1,
    });
    const [a, b, c, d, e, f] = made.toCrop;
    const determinant = a * e - b * d;
    for (const [u, v] of [
      [20, 20],
      [40, 24],
      [32, 44],
    ] as const) {
      const x = (e * (u - c) - b * (v - f)) / determinant;
      const y = (a * (v - f) - d * (u - c)) / determinant;
      for (const value of pixel(made, u, v).slice(0, 3))
        expect(Math.abs(value - (0.5 * x + 0.2 * y) / 219)).toBeLessThan(0.01);
    }
    replacer.close();
  });

  test('gamma, sharpening and a second pass change what it makes', async () => {
    const grey = pictureOf(() => [16 + 0.25 * 219, 128, 128]);
    const shown = async (keys: Record<string, unknown>): Promise<number[]> => {
      const replacer = await opened(
        dfmModel(SIZE, { weights: [1, 0.5, 1] }),
        { again: true },
        { matchColour: false, ...keys },
      );
      const made = await replacer.replace({ picture: grey, landmarks: landmarksOf(), params: {}, trackId: 1 });
      const values = pixel(made, 32, 32).slice(0, 3);
      replacer.close();
      return values;
    };
    const close = (values: number[], wanted: number[]): void => near(values, wanted, 0.01);
    close(await shown({}), [0.25, 0.125, 0.25]);
    close(await shown({ gamma: [2, 1, 1] }), [0.5, 0.125, 0.25]);
    close(await shown({ twoPass: true }), [0.25, 0.0625, 0.25]);
    close(await shown({ preSharpen: 2 }), [0.25, 0.125, 0.25]);
  });

  test('is brought to the plate’s colour', async () => {
    const replacer = await opened(dfmModel(SIZE, { weights: [0.5, 0.6, 0.7] }), {}, { morph: 1 });
    const picture = pictureOf((x, y) => [90 + ((x * 7 + y * 3) % 60), 110, 150]);
    const made = await replacer.replace({ picture, landmarks: landmarksOf(0.2, 0.5), params: {}, trackId: 1 });
    const layer = arena.floats(made.at, 3 * SIZE * SIZE);
    const mean = (plane: number): number =>
      layer.subarray(plane * SIZE * SIZE, (plane + 1) * SIZE * SIZE).reduce((sum, value) => sum + value, 0) / SIZE ** 2;
    near([0, 1, 2].map(mean), rgbOf(119.5, 110, 150), 0.02);
    replacer.close();
  });
});

describe('a network that an embedding tells whose face to make', () => {
  const embedding = Float32Array.from({ length: 512 }, (_, k) => (k === 0 ? 3 : k === 1 ? 4 : 0));

  test('is given R, G, B as its manifest says, the converted embedding, and hides the oval of the face', async () => {
    // The converter leads the second number to the first place: (3, 4, 0 …) / 5 → 0.8.
    const converter = new Float32Array(512 * 512);
    converter[512] = 1;
    const model = embeddingModel(128, { weights: [1, 0.5, 0], converter });
    expect(lastConstant(model)?.dims).toEqual([512, 512]);
    expect(sourceOf(embedding, model)[0]).toBeCloseTo(1, 5);
    const replacer = await opened(model, { embedding }, { matchColour: false });
    const landmarks = landmarksOf();
    const made = await replacer.replace({
      picture: pictureOf(() => [120, 100, 160]),
      landmarks,
      params: {},
      trackId: 1,
    });
    const wanted = rgbOf(120, 100, 160);
    const [a, b, c, d, e, f] = made.toCrop;
    const [x, y] = [landmarks.points[3]!, landmarks.points[4]!];
    const nose = pixel(made, Math.round(a * x + b * y + c), Math.round(d * x + e * y + f));
    near(nose, [wanted[0], 0.5 * wanted[1], 0, 1], 0.01);
    expect(pixel(made, 1, 1)[3]).toBe(0);
    replacer.close();
  });

  test('normalised around the middle, it gives the plate back', async () => {
    const unit = Float32Array.from({ length: 512 }, (_, k) => Number(k === 0));
    const said = { embedding: unit, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], range: 'signed' as const };
    const replacer = await opened(embeddingModel(64), said, { matchColour: false });
    const made = await replacer.replace({
      picture: pictureOf(() => [120, 100, 160]),
      landmarks: landmarksOf(),
      params: {},
      trackId: 1,
    });
    near(pixel(made, 32, 32).slice(0, 3), rgbOf(120, 100, 160), 0.01);
    replacer.close();
  });
});

describe('what is not taken', () => {
  const refused = async (model: Uint8Array, said: Partial<Said> = {}): Promise<string> => {
    const error = await opened(model, said, {}).then(
      () => null,
      (one: unknown) => one,
    );
    expect(error).toBeInstanceOf(NotAdded);
    expect(readdirSync(folder).filter((name) => name !== 'model.dfm')).toEqual([]);
    return (error as Error).message;
  };

  test('is refused with what was found instead, and leaves nothing behind', async () => {
    const detector = readFileSync(new URL('../../models/perception/face-detection-full-range.onnx', import.meta.url));
    expect(await refused(detector)).toMatch(/not of kind dfm: it has no input in_face:0.*not of kind embedding/);
    expect(await refused(Buffer.from('no network'))).toMatch(/no double that this version understands.*truncated/);
    expect(await refused(embeddingModel(64))).toMatch(/name its file with --embedding/);
    expect(await refused(embeddingModel(64, { length: 128 }), { embedding: new Float32Array(512).fill(1) })).toMatch(
      /takes 128/,
    );
    expect(await refused(dfmModel(SIZE, { weights: [0, 0, 0] }))).toMatch(/makes a black face|one colour/);
    expect(await refused(embeddingModel(64), { embedding: new Float32Array(512).fill(1), std: [1, 0, 1] })).toMatch(
      /"std".*above 0/,
    );
    expect(await refused(dfmModel(SIZE, { weights: [Number.NaN, 1, 1] }))).toMatch(/not taken/);
  });

  test.each([
    [['--mean', '0.5,,0.5'], /--mean needs three numbers/],
    [['--max-yaw', 'abc'], /--max-yaw "abc" is not an angle.*10 to 90/],
    [['--max-yaw', ''], /is not an angle/],
    [['--max-yaw', '95'], /is not an angle/],
    [['--range', 'sgined'], /no range "sgined": there are unit/],
    [['--template', 'none'], /no template "none"/],
    [['--mean', '1,2'], /--mean needs three numbers/],
  ])('%j is told in a sentence, before anything is loaded', async (option, sentence) => {
    const file = join(folder, 'model.dfm');
    writeFileSync(file, dfmModel(SIZE));
    const error = await doublesAdd([file, '--name', 'a', '--licence', 'b', ...option]).catch((one: unknown) => one);
    expect(error).toBeInstanceOf(CommandError);
    expect((error as Error).message).toMatch(sentence);
  });

  test('a name that is taken needs --again; a damaged manifest is named', async () => {
    (await opened(dfmModel(SIZE), {}, {})).close();
    await expect(opened(dfmModel(SIZE), {}, {})).rejects.toThrow(/a double theirs already/);
    await expect(opened(dfmModel(SIZE), { again: true }, { coverage: 9 })).rejects.toThrow(
      /"coverage" in double\.json/,
    );
    expect(existsSync(join(folder, 'theirs', 'CARD.md'))).toBe(true);
    expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  test('one whose export leaves sizes open runs for the doctor, too', async () => {
    (await opened(dfmModel(SIZE), {}, {})).close();
    const theirs = join(folder, 'theirs', 'double.onnx');
    const { models } = await diagnose(CPU_ONLY, { theirs }, loadingOf);
    expect(models).toMatchObject([{ name: 'theirs', provider: 'cpu', refusals: [] }]);
  });

  test('a double that this command did not make stays, even with --again', async () => {
    mkdirSync(join(folder, 'theirs'));
    writeFileSync(join(folder, 'theirs', 'double.json'), JSON.stringify({ format: 1, kind: 'learned' }));
    await expect(opened(dfmModel(SIZE), { again: true }, {})).rejects.toThrow(/was not added with this command/);
    expect(readdirSync(join(folder, 'theirs'))).toEqual(['double.json']);
  });

  test('a network that was changed after it was added is not opened, nor one that the kernels cannot take', async () => {
    const model = { file: 'double.onnx', sha256: '0'.repeat(64) };
    await expect(opened(dfmModel(SIZE), {}, { model })).rejects.toThrow(/damaged or was changed/);
    const gone = { ...model, file: 'gone.onnx' };
    await expect(opened(dfmModel(SIZE), { again: true }, { model: gone })).rejects.toThrow(/gone\.onnx is missing/);
    await expect(opened(dfmModel(SIZE + 2), { again: true }, {})).rejects.toThrow(/"size".*four pixels/);
  });
});

test('one picture whose colours are no numbers leaves nothing behind in those after it', () => {
  const plane = SIZE * SIZE;
  const made = (): Float32Array => Float32Array.from({ length: 3 * plane }, (_, k) => 0.3 + (k % 7) / 20);
  const plate = Float32Array.from({ length: 3 * plane }, (_, k) => 0.5 + (k % 5) / 20);
  const mask = new Float32Array(plane).fill(1);
  const [match, fresh] = [new ColourMatch(), new ColourMatch()];
  const broken = made().fill(Number.NaN, 0, 9);
  match.apply(1, 0, broken, plate, mask, SIZE);
  const [after, wanted] = [made(), made()];
  match.apply(1, 40_000, after, plate, mask, SIZE);
  fresh.apply(1, 40_000, wanted, plate, mask, SIZE);
  expect(after).toEqual(wanted);
});

test('a mask is taken in and softened by what is said', () => {
  const mask = new Float32Array(33 * 33);
  for (let y = 8; y < 25; y++) mask.fill(1, y * 33 + 8, y * 33 + 25);
  const taken = mask.slice();
  erode(taken, 33, 3);
  expect(taken.reduce((sum, value) => sum + value, 0)).toBe(11 * 11);
  blur(mask, 33, 2);
  expect(mask.reduce((sum, value) => sum + value, 0)).toBeCloseTo(17 * 17, 0);
  const edge = mask.subarray(16 * 33, 17 * 33);
  expect(edge[7]! + edge[8]!).toBeCloseTo(1, 1);
});
