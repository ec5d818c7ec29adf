import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, it } from 'vitest';
import { CELLS, WINDOW } from '../../server/double/occlusion/cells.ts';
import type { Replacer } from '../../server/double/replacer.ts';
import { Castings } from '../../server/engine/casting/castings.ts';
import { readHead } from '../../server/engine/casting/head.ts';
import { readShapeModel } from '../../server/engine/casting/shape.ts';
import { FaceStage } from '../../server/engine/face-stage.ts';
import { Pictures } from '../../server/engine/pictures.ts';
import { compositeFace } from '../../server/face/composite.ts';
import { coverFace } from '../../server/face/cover.ts';
import type { Perceiver } from '../../server/face/perceiver.ts';
import { LANDMARKS, type Track } from '../../server/face/types.ts';
import { Arena } from '../../server/frame/arena.ts';
import { i420Bytes, type Picture, UNKNOWN_COLOUR } from '../../server/frame/frame.ts';
import { type Kernels, loadKernels } from '../../server/frame/kernels.ts';
import { randomPicture } from '../fixtures/kernels.ts';

const MODELS = fileURLToPath(new URL('../../models', import.meta.url));
const [WIDTH, HEIGHT] = [320, 192];
const LAYER = 64;

/** A known face of 60 pixels around (x, 96). */
function face(id: number, x: number): Track {
  const points = new Float32Array(LANDMARKS * 3);
  for (let i = 0; i < LANDMARKS; i++) {
    const angle = i * 2.399963;
    const radius = 25 * Math.sqrt(i / LANDMARKS);
    points.set([x + radius * Math.cos(angle), 96 + radius * Math.sin(angle), 0], 3 * i);
  }
  points.set([x - 12, 90, 0], 3 * 33);
  points.set([x + 12, 90, 0], 3 * 263);
  return {
    id,
    state: 'known',
    box: { x: x - 30, y: 66, w: 60, h: 60 },
    landmarks: { points, presence: 1, crop: { cx: x, cy: 96, size: 90, rot: 0 } },
    yawDeg: 0,
    pitchDeg: 0,
    rollDeg: 0,
    confidence: 1,
    ageFrames: 9,
    lostFrames: 0,
  };
}

/** A perceiver that sees what it is told: the faults below cannot be had from the real one at will. */
const seeing = (tracks: Track[]): Perceiver => ({
  perceive: () => ({ tracked: Promise.resolve(tracks), complete: Promise.resolve(tracks) }),
  reset: () => undefined,
  close: () => undefined,
});

describe('a picture whose faces cannot all be treated', () => {
  let arena: Arena;
  let kernels: Kernels;
  let picture: Picture;
  let plate: Uint8Array;

  beforeEach(() => {
    arena = new Arena(64);
    kernels = loadKernels(arena);
    picture = new Pictures(arena).take(
      WIDTH,
      HEIGHT,
      { ...UNKNOWN_COLOUR, matrix: 'bt709' },
      {
        feed: 'test',
        rtpTs: 0,
        captureUs: 0,
      },
    );
    arena.bytes(picture.at, i420Bytes(WIDTH, HEIGHT)).set(randomPicture(WIDTH, HEIGHT));
    plate = picture.planes[0].slice();
  });

  /** A look that draws a grey square of this opacity over the face; `spoil` may change where it says it lies. */
  function look(
    alpha: number,
    spoil: (toCrop: Awaited<ReturnType<Replacer['replace']>>['toCrop']) => typeof toCrop = (same) => same,
  ): Replacer {
    const at = arena.allocate(4 * LAYER * LAYER * 4);
    arena.floats(at, 4 * LAYER * LAYER).fill(0.5);
    arena.floats(at + 3 * LAYER * LAYER * 4, LAYER * LAYER).fill(alpha);
    return {
      name: 'square',
      provider: 'cpu',
      maxYawDeg: 60,
      replace: async ({ landmarks }) => ({
        at,
        size: LAYER,
        how: 'cover',
        toCrop: spoil([1, 0, LAYER / 2 - landmarks.crop.cx, 0, 1, LAYER / 2 - landmarks.crop.cy]),
      }),
      forget: () => undefined,
      close: () => undefined,
    };
  }

  function stage(replacer: Replacer, tracks: Track[], change: Partial<Kernels> = {}): FaceStage {
    const made = new FaceStage({ arena, kernels: { ...kernels, ...change }, perceiver: seeing(tracks) });
    made.use(replacer);
    return made;
  }

  /** Share of the plate's own samples still there in the middle of the face at x. */
  function bare(x: number): number {
    let same = 0;
    for (let dy = -10; dy < 10; dy++) {
      for (let dx = -10; dx < 10; dx++) {
        const at = (96 + dy) * WIDTH + x + dx;
        if (Math.abs((picture.planes[0][at] ?? 0) - (plate[at] ?? 0)) < 2) same++;
      }
    }
    return same / 400;
  }

  it('replaces both where nothing fails', async () => {
    const report = await stage(look(1), [face(1, 80), face(2, 240)]).process(picture, 'look');
    expect(report.faces.map(({ treatment }) => treatment.kind)).toEqual(['replace', 'replace']);
    expect([bare(80) < 0.1, bare(240) < 0.1]).toEqual([true, true]);
  });

  it('leaves out what stands before a face that was drawn whole, even most of it, and calls it replaced', async () => {
    const open = new Uint8Array(CELLS).fill(1);
    const hole = new Float32Array(WINDOW.width * WINDOW.height).fill(1);
    const faces = new FaceStage({
      arena,
      kernels,
      perceiver: seeing([face(1, 80)]),
      occlusion: {
        look: async () => () => ({ hole, open, toCrop: [1.4, 0, 10, 0, 1.4, 0] }),
        forget: () => undefined,
        close: () => undefined,
      },
    });
    faces.use(look(1));
    const report = await faces.process(picture, 'look');
    expect(report.faces.map(({ treatment }) => treatment.kind)).toEqual(['replace']);
    expect(report.trouble).toBeNull();
    expect(bare(80)).toBeGreaterThan(0.9);
  });

  it('covers a face when what stands before it cannot be told, after the drawing has ended too', async () => {
    let ended = false;
    const made = look(1);
    const faces = new FaceStage({
      arena,
      kernels,
      perceiver: seeing([face(1, 80)]),
      occlusion: {
        look: () => Promise.reject(new Error('no answer')),
        forget: () => undefined,
        close: () => undefined,
      },
    });
    faces.use({
      ...made,
      replace: async (input) => {
        const drawn = await made.replace(input);
        ended = true;
        return drawn;
      },
    });
    const report = await faces.process(picture, 'look');
    expect(report.faces.map(({ treatment }) => treatment.kind)).toEqual(['cover']);
    expect([ended, report.trouble]).toEqual([true, expect.stringContaining('no answer')]);
  });

  it('does not call replaced what is the performer’s own face, only changed', async () => {
    const made = look(0);
    const change: Replacer = {
      ...made,
      replace: async (input) => ({ ...(await made.replace(input)), how: 'change' }),
    };
    const report = await stage(change, [face(1, 80)]).process(picture, 'look');
    expect(report.trouble).toBeNull();
    expect(report.faces[0]?.treatment).toEqual({ kind: 'change' });
  });

  it.each([
    ['transparent', look0],
    ['no numbers', lookNaN],
    ['placed nowhere', lookNowhere],
    ['placed beside the face', lookBeside],
    ['drawn onto one point', lookPoint],
  ])('covers a face whose drawn double is %s, and says so', async (_what, make) => {
    const report = await stage(make(), [face(1, 80)]).process(picture, 'look');
    expect(report.faces[0]?.treatment).toEqual({ kind: 'cover', why: 'look failed' });
    expect(report.trouble).toMatch(/drew nothing/);
    expect(bare(80)).toBeLessThan(0.1);
  });
  function look0(): Replacer {
    return look(0);
  }
  function lookNaN(): Replacer {
    return look(Number.NaN);
  }
  function lookNowhere(): Replacer {
    return look(1, () => [Number.NaN, 0, 0, 0, Number.NaN, 0]);
  }
  function lookBeside(): Replacer {
    return look(1, ([a, b, c, d, e, f]) => [a, b, c + 60, d, e, f]);
  }
  function lookPoint(): Replacer {
    return look(1, () => [0, 0, LAYER / 2, 0, 0, LAYER / 2]);
  }

  it.each(['blend', 'cover'] as const)(
    'covers the whole picture when %s fails after the first face, and goes on',
    async (kernel) => {
      let calls = 0;
      const failing = (...args: unknown[]): void => {
        if (++calls === 2) throw new Error('injected fault');
        (kernels[kernel] as (...args: unknown[]) => void)(...args);
      };
      const tracks =
        kernel === 'blend'
          ? [face(1, 80), face(2, 240)]
          : [80, 240].map((x, id): Track => ({ ...face(id, x), state: 'new' }));
      const made = stage(look(1), tracks, { [kernel]: failing });
      const report = await made.process(picture, 'look');
      expect(report.coveredWhole).toBe(true);
      expect(report.trouble).toMatch(/whole picture is covered: injected fault/);
      expect([bare(80) < 0.1, bare(240) < 0.1, bare(160) < 0.1]).toEqual([true, true, true]);
      expect((await made.process(picture, 'look')).trouble).toBeNull();
    },
  );

  describe('with castings', () => {
    const neutral = null;
    const cast = (id: string, wanted: string, age: number) => ({
      casting: { id, performer: id, look: wanted, age },
      neutral,
    });

    function dressed(tracks: Track[], looks: ReadonlyMap<string, Replacer>): { made: FaceStage; castings: Castings } {
      const castings = new Castings({ head: readHead(MODELS), model: readShapeModel(MODELS) });
      const made = new FaceStage({ arena, kernels, perceiver: seeing(tracks), castings });
      made.wear({ looks, own: 'own' });
      return { made, castings };
    }
    function noting(asked: string[], name: string): Replacer {
      const inner = look(1);
      return {
        ...inner,
        replace: (input) => {
          asked.push(`${name} ${input.trackId} ${input.params.age}`);
          return inner.replace(input);
        },
      };
    }

    it('dresses each performer in their own look and age, and leaves a co-star to the policy', async () => {
      const asked: string[] = [];
      const tracks = [face(1, 50), face(2, 160), face(3, 270)];
      const looks = new Map(['own', 'mara', 'ivo'].map((name) => [name, noting(asked, name)]));
      const { made, castings } = dressed(tracks, looks);
      castings.set([cast('anna', 'mara', 15), cast('bert', 'ivo', -30)]);
      castings.bind('anna', 1);
      castings.bind('bert', 2);
      // The first picture is where the taps arrive; the second has faces that are known from its beginning.
      await made.process(picture, 'pass');
      asked.length = 0;
      const report = await made.process(picture, 'pass');
      expect(asked.sort()).toEqual(['ivo 2 -1', 'mara 1 0.5']);
      const shown = report.faces.map(({ track, casting, treatment }) => `${track.id} ${casting} ${treatment.kind}`);
      expect(shown.sort()).toEqual(['1 anna replace', '2 bert replace', '3 null plate']);
    });

    it.each(['pass', 'look'] as const)(
      'covers whoever may be a performer, whatever the policy (%s)',
      async (policy) => {
        const { made, castings } = dressed([face(1, 80)], new Map([['own', look(1)]]));
        castings.set([cast('anna', 'own', 0)]);
        const report = await made.process(picture, policy);
        expect(report.faces[0]).toMatchObject({ casting: null, treatment: { kind: 'cover', why: 'who is this?' } });
        expect(bare(80)).toBeLessThan(0.1);
      },
    );

    it('covers a performer whose look is not open, though the feed’s own is', async () => {
      const { made, castings } = dressed([face(1, 80)], new Map([['own', look(1)]]));
      castings.set([cast('anna', 'mara', 0)]);
      castings.bind('anna', 1);
      const report = await made.process(picture, 'look');
      expect(report.faces[0]).toMatchObject({ casting: 'anna', treatment: { kind: 'cover', why: 'look not loaded' } });
    });
  });

  it('covers everything rather than nothing where a face is at no place', () => {
    const lost = { box: { x: Number.NaN, y: 10, w: 60, h: 60 }, landmarks: null };
    coverFace(picture, lost, arena, kernels);
    expect([bare(80) < 0.1, bare(240) < 0.1]).toEqual([true, true]);
  });

  it('gives scratch memory back when a kernel fails', () => {
    const broken: Kernels = {
      ...kernels,
      blend: () => {
        throw new Error('injected fault');
      },
      cover: () => {
        throw new Error('injected fault');
      },
    };
    const layer = { at: arena.allocate(16), size: 1024, how: 'cover' as const, toCrop: [1, 0, 0, 0, 1, 0] as const };
    for (let k = 0; k < 1000; k++) {
      expect(() => compositeFace(picture, layer, broken, arena)).toThrow('injected fault');
      expect(() => coverFace(picture, face(1, 80), arena, broken)).toThrow('injected fault');
    }
  });
});
