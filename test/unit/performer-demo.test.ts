import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AVCOL_RANGE_MPEG, AVCOL_SPC_BT709, Decoder, Demuxer } from 'node-av';
import { beforeAll, describe, expect, test } from 'vitest';

const FOLDER = join(import.meta.dirname, '../../models/demo');

interface Labels {
  clip: string;
  width: number;
  height: number;
  frames: number;
  decoy: null;
  faces: { box: [number, number, number, number]; score: number; yawDeg: number }[][];
}

const labels = JSON.parse(readFileSync(join(FOLDER, 'demo.faces.json'), 'utf8')) as Labels;

interface Seen {
  frames: number;
  matrix: number;
  range: number;
  first: Uint8Array;
  last: Uint8Array;
}

async function decodeAll(path: string): Promise<Seen> {
  const demuxer = await Demuxer.open(path);
  const stream = demuxer.video();
  if (!stream) throw new Error('no video in the demo clip');
  const decoder = await Decoder.create(stream);
  const seen: Seen = { frames: 0, matrix: -1, range: -1, first: new Uint8Array(), last: new Uint8Array() };
  for await (const frame of decoder.frames(demuxer.packets(stream.index))) {
    if (!frame) continue;
    const luma = Uint8Array.from(frame.data?.[0]?.subarray(0, (frame.linesize[0] ?? 0) * frame.height) ?? []);
    if (seen.frames === 0) Object.assign(seen, { matrix: frame.colorSpace, range: frame.colorRange, first: luma });
    seen.last = luma;
    seen.frames++;
    frame.free();
  }
  decoder.close();
  await demuxer.close();
  return seen;
}

describe('the demo clip', () => {
  let seen: Seen;
  beforeAll(async () => {
    seen = await decodeAll(join(FOLDER, labels.clip));
  }, 60_000);

  test('is at most 3 MB', () => {
    expect(statSync(join(FOLDER, labels.clip)).size).toBeLessThanOrEqual(3_000_000);
  });

  test('decodes to the labelled number of pictures, BT.709 limited', () => {
    expect(seen.frames).toBe(labels.frames);
    expect(seen.matrix).toBe(AVCOL_SPC_BT709);
    expect(seen.range).toBe(AVCOL_RANGE_MPEG);
  });

  test('loops: its first and last pictures are alike', () => {
    let sum = 0;
    seen.first.forEach((v, i) => {
      sum += Math.abs(v - (seen.last[i] ?? 0));
    });
    expect(sum / seen.first.length).toBeLessThan(1.5);
  });

  test('labels one face in every picture, inside it, between 200 and 330 pixels high, turning both ways', () => {
    expect(labels.faces).toHaveLength(labels.frames);
    for (const faces of labels.faces) {
      expect(faces).toHaveLength(1);
      const [x, y, w, h] = faces[0]?.box ?? [-1, -1, 0, 0];
      expect(x).toBeGreaterThanOrEqual(0);
      expect(y).toBeGreaterThanOrEqual(0);
      expect(x + w).toBeLessThanOrEqual(labels.width);
      expect(y + h).toBeLessThanOrEqual(labels.height);
      expect(h).toBeGreaterThan(190);
      expect(h).toBeLessThan(340);
    }
    const yaws = labels.faces.map((f) => f[0]?.yawDeg ?? 0);
    expect(Math.max(...yaws)).toBeGreaterThan(30);
    expect(Math.min(...yaws)).toBeLessThan(-30);
  });
});
