import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DEMO, withEngine } from '../../scripts/eval/engine.ts';
import { rgbOf } from '../../scripts/eval/rgb.ts';
import { readVideo } from '../../scripts/eval/video.ts';
import { type TrainOptions, train } from '../../scripts/own-double/train.ts';
import { readManifest } from '../../server/double/manifest.ts';
import { openDouble } from '../../server/double/open.ts';
import { canonicalPoints, fitPose } from '../../server/double/pose.ts';
import { readTemplate } from '../../server/double/template.ts';

/** Pictures of the demo's performer, a fraction of a second apart. */
const STILLS = 9;
const APART = 5;

let dir: string;
let options: TrainOptions;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'understudy-own-'));
  mkdirSync(join(dir, 'footage'));
  options = {
    footage: join(dir, 'footage'),
    name: 'noel',
    out: join(dir, 'doubles'),
    age: 35,
    fictional: false,
    network: null,
    drawn: false,
    reportOnly: false,
    samePerson: false,
    again: false,
  };
  await withEngine(async ({ engine }) => {
    let index = 0;
    for await (const picture of readVideo(DEMO, engine.pictures)) {
      const { width, height } = picture;
      if (index % APART === 0)
        await sharp(rgbOf(picture, [0, 0, width, height]), { raw: { width, height, channels: 3 } })
          .jpeg({ quality: 95 })
          .toFile(join(options.footage, `${index}.jpg`));
      engine.pictures.give(picture);
      if (++index === STILLS * APART) break;
    }
  });
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test('a double made of pictures of a performer looks like them, says what is missing, and may not play unsigned', async () => {
  const made = await train(options, () => undefined);
  for (const file of ['texture.png', 'portrait.png', 'CARD.md', 'FOOTAGE.md'])
    expect(existsSync(join(made, file))).toBe(true);
  expect(readManifest(made)).toMatchObject({ name: 'noel', fictional: false });
  expect(readFileSync(join(made, 'LICENSE.md'), 'utf8')).toContain('not valid until completed and signed');
  expect(readFileSync(join(made, 'footage.json'), 'utf8')).toContain('turned far to their left');
  const off = await differenceWorn(made);
  expect(off).toBeLessThan(9);
  await expect(train(options, () => undefined)).rejects.toThrow(/is there already: choose another --name/);
});

test('a file that is no video, and pictures of nobody, are refused with a sentence', async () => {
  const footage = join(dir, 'nobody');
  mkdirSync(footage);
  await sharp({ create: { width: 320, height: 240, channels: 3, background: '#567' } })
    .png()
    .toFile(join(footage, 'wall.png'));
  const asked = { ...options, footage, name: 'nobody' };
  await expect(train(asked, () => undefined)).rejects.toThrow(
    /^A face was found in 0 of 1 pictures: at least 8 are needed/,
  );
  writeFileSync(join(footage, 'take.mp4'), 'no video');
  await expect(train(asked, () => undefined)).rejects.toThrow(/^take.mp4 is not a video that can be read: convert it/);
  expect(existsSync(join(options.out, 'nobody'))).toBe(false);
});

/** Mean difference in code values between a face and the same face wearing its own double, where that hides it. */
async function differenceWorn(made: string): Promise<number> {
  return withEngine(async ({ engine, runtime }) => {
    const replacer = await openDouble({ ...engine, runtime, dir: made });
    const perceiver = await engine.perceiver();
    const { canonical, rigid } = readTemplate(readFileSync(join(made, 'mesh.json')), 'mesh.json');
    let off = Number.NaN;
    try {
      for await (const picture of readVideo(DEMO, engine.pictures)) {
        if (Number.isFinite(off)) break;
        const [face] = await perceiver.perceive(picture).complete;
        const landmarks = face!.landmarks!;
        const { at, size, toCrop } = await replacer.replace({
          picture,
          landmarks,
          neutral: canonicalPoints(landmarks.points, fitPose(canonical, landmarks.points, rigid)),
          params: {},
          trackId: 1,
        });
        const rgba = engine.arena.floats(at, 4 * size * size);
        const plate = rgbOf(picture, [0, 0, picture.width, picture.height]);
        const [a, b, c, d, e, f] = toCrop;
        let [sum, count] = [0, 0];
        for (let y = 0; y < picture.height; y++)
          for (let x = 0; x < picture.width; x++) {
            const [u, v] = [Math.round(a * x + b * y + c), Math.round(d * x + e * y + f)];
            if (u < 0 || v < 0 || u >= size || v >= size || rgba[3 * size * size + v * size + u]! < 0.95) continue;
            count++;
            for (let k = 0; k < 3; k++)
              sum +=
                Math.abs(255 * rgba[k * size * size + v * size + u]! - plate[3 * (y * picture.width + x) + k]!) / 3;
          }
        off = sum / count;
      }
      return off;
    } finally {
      perceiver.close();
      replacer.close();
    }
  });
}
