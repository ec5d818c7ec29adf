import { expect, test } from 'vitest';
import type { CodedAudio } from '../../server/frame/coded.ts';
import type { MediaEngine } from '../../server/media/port.ts';
import { FeedSound } from '../../server/stage/sound.ts';

const PACKET_US = 20_000;

/** A feed's sound without a media engine; what goes out is kept. */
function feed() {
  const out: CodedAudio[] = [];
  const sound = new FeedSound({
    feed: 'a',
    media: {} as MediaEngine,
    changed: () => undefined,
    session: () => () => undefined,
    out: { sendSound: (audio) => out.push(audio), dropSound: () => undefined },
  });
  return { sound, times: () => out.map(({ rtpTs }) => rtpTs) };
}

const packet = (rtpTs: number, captureUs: number): CodedAudio => ({
  ...{ rtpTs: rtpTs >>> 0, captureUs, marker: false, lostBefore: 0, bytes: new Uint8Array(1) },
});
const packets = (firstTs: number, fromUs: number, count = 5): CodedAudio[] =>
  Array.from({ length: count }, (_, i) => packet(firstTs + 960 * i, fromUs + PACKET_US * i));

test('a camera’s times stay its own where its first packets came late: that its clock is known better is no leap', () => {
  const { sound, times } = feed();
  sound.cameraCame();
  // The way from the camera turns out to be 300 ms shorter than the first packets said, later 900 ms longer: its path has changed.
  const all = [
    ...packets(-1920, 1_000_000, 3),
    ...packets(960, 1_000_000 + 3 * PACKET_US - 300_000),
    ...packets(960 * 6, 1_000_000 + 8 * PACKET_US + 600_000),
  ];
  for (const audio of all) sound.fromCamera(audio);
  expect(times()).toEqual(all.map(({ rtpTs }) => rtpTs));
});

test.each([
  ['which begins anew where the last one began', 0],
  ['whose times are anything', 0x8000_0000],
  ['whose times are a second behind', 3 * 960 - 48_000],
])('the next camera, %s, goes on where the last one ended', (_, firstTs) => {
  const { sound, times } = feed();
  sound.cameraCame();
  for (const audio of packets(0, 1_000_000)) sound.fromCamera(audio);
  sound.cameraGone();
  sound.cameraCame();
  // Its first packet is captured half a second after the last one's last.
  for (const audio of packets(firstTs, 1_000_000 + 4 * PACKET_US + 500_000)) sound.fromCamera(audio);
  const next = 4 * 960 + 24_000;
  expect(times().slice(5)).toEqual([0, 1, 2, 3, 4].map((i) => next + 960 * i));
});

test('a sender that changes to another source in the same session goes on where it was', () => {
  const { sound, times } = feed();
  sound.cameraCame();
  for (const audio of packets(0, 1_000_000)) sound.fromCamera(audio);
  for (const audio of packets(0x1234_5678, 1_000_000 + 5 * PACKET_US)) sound.fromCamera(audio);
  expect(times()).toEqual(Array.from({ length: 10 }, (_, i) => 960 * i));
});
