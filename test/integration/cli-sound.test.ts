import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CameraSound } from '../../server/cli/camera-sound.ts';
import { soundChannels } from '../../server/cli/sound-file.ts';
import type { CodedAudio } from '../../server/frame/coded.ts';
import { monotonicUs } from '../../server/media/rtp/clock.ts';
import { opusTicks } from '../../server/media/rtp/opus.ts';
import type { LtcFrame } from '../../server/wire/ltc.ts';
import { timecodeText } from '../../server/wire/timecode.ts';
import { ltcSound } from '../fixtures/ltc.ts';
import { eventually } from '../fixtures/peer-loop.ts';
import { writeStereo } from '../fixtures/wav.ts';

const folder = mkdtempSync(join(tmpdir(), 'understudy-cli-sound-'));
const file = join(folder, 'sound.wav');
const code = ltcSound({
  start: { hours: 9, minutes: 59, seconds: 59, frames: 0, drop: false },
  rate: { num: 24, den: 1 },
  frames: 48,
});
beforeAll(() => writeStereo(file, new Float32Array(code.samples.length).fill(0.1), code.samples));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a file’s sound leaves in real time as Opus, its timecode channel as data, both on the file’s own times', async () => {
  expect(await soundChannels(file)).toBe(2);
  const sent: { audio: CodedAudio; atUs: number }[] = [];
  const heard: { frame: LtcFrame; captureUs: number }[] = [];
  const sound = new CameraSound({
    path: file,
    channels: 2,
    ltc: 2,
    send: (audio) => sent.push({ audio, atUs: monotonicUs() }),
    timecode: (frame, captureUs) => heard.push({ frame, captureUs }),
  });
  const beganUs = monotonicUs() + 50_000;
  sound.begin(beganUs, 0xffff_ff00);
  await eventually(() => heard.length >= 40 && sent.length >= 80, 'most of two seconds', 20_000);
  sound.close();
  expect(heard.map(({ frame }) => timecodeText(frame))).toEqual(
    code.codes.slice(1, 1 + heard.length).map(timecodeText),
  );
  heard.forEach(({ captureUs }, i) => {
    expect(Math.abs(captureUs - beganUs - ((code.starts[i + 1] ?? 0) * 1e6) / 48_000)).toBeLessThan(100);
  });
  sent.forEach(({ audio, atUs }, i) => {
    expect(opusTicks(audio.bytes)).toBe(960);
    expect(audio.rtpTs).toBe((0xffff_ff00 - 120 + i * 960) >>> 0);
    // Never before its last sample would have been in.
    expect(atUs).toBeGreaterThan(audio.captureUs + 18_000);
  });
  const count = sent.length;
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(sent).toHaveLength(count);
}, 30_000);
