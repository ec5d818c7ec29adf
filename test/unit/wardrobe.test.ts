import { beforeEach, describe, expect, it } from 'vitest';
import type { Replacer } from '../../server/double/replacer.ts';
import { FaceStage } from '../../server/engine/face-stage.ts';
import { MAX_LOOKS, Wardrobe } from '../../server/engine/wardrobe.ts';
import { Arena } from '../../server/frame/arena.ts';
import { loadKernels } from '../../server/frame/kernels.ts';

describe('the looks of a feed', () => {
  let closed: string[];
  let opened: string[];
  let troubles: string[];
  let worn: string[];
  /** Resolves what is being opened, in order. */
  let doors: Map<string, () => void>;
  let stage: FaceStage;

  const look = (name: string): Replacer => ({
    name,
    provider: name,
    maxYawDeg: 45,
    replace: () => Promise.reject(new Error('not asked for here')),
    forget: () => undefined,
    close: () => closed.push(name),
  });

  beforeEach(() => {
    [closed, opened, troubles, worn, doors] = [[], [], [], [], new Map()];
    const arena = new Arena(16);
    const perceiver = {
      perceive: () => ({ tracked: Promise.resolve([]), complete: Promise.resolve([]) }),
      reset: () => undefined,
      close: () => undefined,
    };
    stage = new FaceStage({ arena, kernels: loadKernels(arena), perceiver });
    const wear = stage.wear.bind(stage);
    stage.wear = (next) => {
      worn = [...next.looks.keys()].map((name) => (name === next.own ? `${name}!` : name));
      wear(next);
    };
  });

  function wardrobe(stocked: string[] = []): Wardrobe {
    return new Wardrobe(
      {
        faces: stage,
        take: (name) => (stocked.includes(name) ? look(name) : null),
        open: async (name) => {
          opened.push(name);
          await new Promise<void>((resolve) => doors.set(name, resolve));
          if (name === 'broken') throw new Error('it is damaged');
          return look(name);
        },
        busy: () => undefined,
        trouble: (sentence) => troubles.push(sentence),
      },
      'mara',
      look('mara'),
    );
  }
  async function finish(name: string): Promise<void> {
    doors.get(name)?.();
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  }

  it('opens what is missing one after the other, closes what nobody wears', async () => {
    const made = wardrobe(['ivo']);
    made.wear('mara', ['ivo', 'anna', 'bert']);
    expect(worn).toEqual(['mara!', 'ivo']);
    expect(opened).toEqual(['anna']);
    await finish('anna');
    expect(worn).toEqual(['mara!', 'ivo', 'anna']);
    await finish('bert');
    made.wear('anna', ['bert']);
    expect(worn).toEqual(['anna!', 'bert']);
    expect(closed.sort()).toEqual(['ivo', 'mara']);
    stage.close();
    expect(closed.sort()).toEqual(['anna', 'bert', 'ivo', 'mara']);
  });

  it('keeps the feed’s own look until the next is open, and where it cannot be opened', async () => {
    const made = wardrobe();
    made.wear('broken', []);
    expect(worn).toEqual(['mara!']);
    await finish('broken');
    expect(worn).toEqual(['mara!']);
    expect(troubles).toEqual([
      expect.stringMatching(/broken could not be opened, the one before stays: it is damaged/),
    ]);
    expect(closed).toEqual([]);
  });

  it('closes a look that nobody wants any more by the time it is open', async () => {
    const made = wardrobe();
    made.wear('mara', ['anna']);
    made.wear('mara', []);
    await finish('anna');
    expect(closed).toEqual(['anna']);
    expect(worn).toEqual(['mara!']);
  });

  it(`opens ${MAX_LOOKS} at once and says what is covered for it`, () => {
    wardrobe(['a', 'b', 'c', 'd', 'e']).wear('mara', ['a', 'b', 'c', 'd', 'e']);
    expect(worn).toEqual(['mara!', 'a', 'b', 'c']);
    expect(troubles).toEqual([expect.stringMatching(/4 looks at once: faces cast for d, e are covered/)]);
  });
});
