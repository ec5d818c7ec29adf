import type { ToEngine } from '../channel/messages.ts';
import type { CodedFrame, VideoCodec } from '../frame/coded.ts';
import type { Picture } from '../frame/frame.ts';
import type { Kernels } from '../frame/kernels.ts';
import type { RenditionKey } from '../wire/messages.ts';
import type { PictureSink } from './encoders.ts';
import type { EngineOutput } from './engine.ts';
import type { Pictures } from './pictures.ts';
import type { PictureReader } from './pipeline.ts';
import type { RawInput } from './raw-media.ts';

/** What a feed's pictures come from and go to. Two kinds: coded frames over the channel, or libwebrtc's peers in this process. */
export interface EngineMedia<Input> {
  decoder: PictureReader<Input>;
  openEncoder(key: RenditionKey): PictureSink;
  /** A coded frame came over the channel. */
  frame(frame: CodedFrame): void;
  /** Takes a message that is for it; false for any other. */
  tell(message: ToEngine): boolean;
  /** After the pipeline's frame in work has left. */
  close(): void;
}

export interface MediaParts<Input> {
  options: Extract<ToEngine, { type: 'open' }>;
  pictures: Pictures;
  kernels: Kernels;
  output: EngineOutput;
  /** A frame of the camera, for the pipeline. */
  push(input: Input): void;
}

/** What of a kind of media is loaded before the feed is known. */
export interface MediaKit<Input> {
  open(parts: MediaParts<Input>): EngineMedia<Input>;
  /** The slate as a key frame; null where nobody could send it. */
  slate(pictures: Pictures, width: number, height: number, codec: VideoCodec): Promise<Uint8Array | null>;
  /** A picture that has gone the way of a camera's first one, from an H.264 slate; null where that cannot be tried. The caller's. */
  rehearsal(pictures: Pictures, slate: Uint8Array | null, width: number, height: number): Promise<Picture | null>;
}

export type AnyMediaKit = ({ kind: 'rtp' } & MediaKit<CodedFrame>) | ({ kind: 'wrtc' } & MediaKit<RawInput>);

/** Loads FFmpeg or libwebrtc, never both: a site may have to do without one of them. */
export const loadMedia = async (kind: AnyMediaKit['kind']): Promise<AnyMediaKit> =>
  kind === 'wrtc'
    ? { kind, ...(await (await import('./raw-media.ts')).loadRawMedia()) }
    : { kind, ...(await import('./coded-media.ts')).codedMedia() };
