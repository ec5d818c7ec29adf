import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Castings } from '../../server/engine/casting/castings.ts';
import { readHead } from '../../server/engine/casting/head.ts';
import { readShapeModel } from '../../server/engine/casting/shape.ts';
import { createPerceiver, type Perceiver } from '../../server/face/perceiver.ts';
import { Arena } from '../../server/frame/arena.ts';
import { loadKernels } from '../../server/frame/kernels.ts';
import { createRuntime } from '../../server/inference/runtime.ts';
import type { Runtime } from '../../server/inference/session.ts';
import { CLIPS_ABSENT, clip } from '../fixtures/clips.ts';
import { arenaPicture, decodeVideo } from '../fixtures/video.ts';

const MODELS = fileURLToPath(new URL('../../models', import.meta.url));
const FRAME_US = 33_333;
const [yes, sister] = [clip('yes'), clip('sister')];

describe.skipIf(!yes || !sister)(`knowing real performers again (${yes ? 'six clips' : CLIPS_ABSENT})`, () => {
  let arena: Arena;
  let runtime: Runtime;
  let perceiver: Perceiver;
  let castings: Castings;
  let us = 0;
  let lastTrack = -1;

  beforeAll(async () => {
    arena = new Arena(128);
    runtime = createRuntime();
    perceiver = await createPerceiver({ runtime, arena, kernels: loadKernels(arena), modelsDir: MODELS });
    castings = new Castings({ head: readHead(MODELS), model: readShapeModel(MODELS) });
  });
  afterAll(() => {
    perceiver.close();
    runtime.close();
  });

  /** Plays pictures of a clip, or empty ones of its size, which last longer. @returns what the real face was taken for, picture by picture. */
  async function play(name: string, from: number, to: number, empty = false): Promise<string[]> {
    const { file } = clip(name) ?? { file: '' };
    const video = await decodeVideo(file, to);
    const target = arenaPicture(arena, video.width, video.height, video.colour);
    const seen: string[] = [];
    for (const samples of video.pictures.slice(from)) {
      us += empty ? 4 * FRAME_US : FRAME_US;
      const tracks = await perceiver.perceive(target.fill(empty ? samples.map(() => 128) : samples, us)).complete;
      castings.see(tracks, us, video.width);
      lastTrack = tracks[0]?.id ?? -1;
      const claim = castings.claim(lastTrack);
      seen.push(claim.kind === 'cast' ? claim.casting.id : claim.kind);
    }
    return seen;
  }

  it('the same man is known after an exit by his face at rest, and another in his place is not', async () => {
    castings.set([{ casting: { id: 'man', performer: 'man', look: 'mara', age: 0 }, neutral: null }]);
    await play('yes', 0, 3);
    castings.bind('man', 1);
    castings.capture('man');
    expect((await play('yes', 3, 40)).every((claim) => claim === 'man')).toBe(true);
    expect(castings.states[0]).toMatchObject({ track: 1, neutral: 'kept' });
    await play('yes', 0, 10, true);
    expect(castings.states[0]?.track).toBeNull();
    expect(new Set(await play('yes', 5, 36))).toEqual(new Set(['unsure', 'man']));

    await play('sister', 0, 10, true);
    expect(await play('sister', 0, 30)).not.toContain('man');
    expect(castings.states[0]?.track).toBeNull();
  });

  it.skipIf(!clip('book'))(
    'a woman whose camera looks up at her is captured as well as a man whose looks straight',
    async () => {
      castings.set([{ casting: { id: 'woman', performer: 'woman', look: 'mara', age: 0 }, neutral: null }]);
      perceiver.reset();
      castings.reset();
      us += 1e6;
      await play('book', 0, 3);
      castings.bind('woman', lastTrack);
      castings.capture('woman');
      await play('book', 3, 40);
      expect(castings.states[0]).toMatchObject({ neutral: 'kept', missed: null });
    },
  );
});
