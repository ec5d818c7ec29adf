import * as av from 'node-av';
import type { VideoCodec } from '../frame/coded.ts';
import { levelOf, levelWords } from '../frame/h264-level.ts';

/** The rate buffer in seconds: small, so that no frame takes longer to send than its own duration by much. */
const BUFFER_SECONDS = 0.125;

export interface Coding {
  width: number;
  height: number;
  fps: number;
  /** Bits per second. */
  bitrate: number;
}

type Settings = readonly (readonly [name: string, value: string])[];

/** An encoder of FFmpeg's, and what it is told so that every picture it takes it gives back at once. */
export interface EncoderMake {
  name: av.FFEncoderCodec;
  settings(coding: Coding): Settings;
}

const limits = ({ bitrate }: Coding): Settings => [
  ['maxrate', String(bitrate)],
  ['bufsize', String(Math.round(bitrate * BUFFER_SECONDS))],
];

/** Constrained baseline, whoever makes it; a key frame that is asked for is one that decoding can begin at. */
const baseline = (coding: Coding): Settings => [
  ['profile', 'baseline'],
  ['forced-idr', '1'],
  ['level', levelWords(levelOf(coding))],
  ...limits(coding),
];

const X264: EncoderMake = {
  name: av.FF_ENCODER_LIBX264,
  settings: (coding) => [['preset', 'ultrafast'], ['tune', 'zerolatency'], ...baseline(coding)],
};

/** libvpx in realtime: no frames held back, a constant bit rate (as FFmpeg tells it: least, most and mean are one). */
const VPX: EncoderMake = {
  name: av.FF_ENCODER_LIBVPX_VP8,
  settings: (coding) => [
    ['deadline', 'realtime'],
    ['cpu-used', '-6'],
    ['lag-in-frames', '0'],
    ['auto-alt-ref', '0'],
    ['error-resilient', '0'],
    ['undershoot-pct', '95'],
    ['static-thresh', '0'],
    ['minrate', String(coding.bitrate)],
    ...limits(coding),
  ],
};

/** NVENC: its fastest preset, tuned for ultra low latency; no picture of its queue is held back. */
const nvenc = (gpu: number): EncoderMake => ({
  name: av.FF_ENCODER_H264_NVENC,
  settings: (coding) => [
    ['gpu', String(gpu)],
    ['preset', 'p1'],
    ['tune', 'ull'],
    ['zerolatency', '1'],
    ['delay', '0'],
    ['rc', 'cbr'],
    ['no-scenecut', '1'],
    ...baseline(coding),
  ],
});

/** @param gpu the one whose encoder is asked, as nvidia-smi counts them; null: the processor. */
export const makeOf = (codec: VideoCodec, gpu: number | null): EncoderMake =>
  codec === 'vp8' ? VPX : gpu === null ? X264 : nvenc(gpu);
