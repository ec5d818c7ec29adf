import {
  AV_PIX_FMT_YUV420P,
  AVCHROMA_LOC_LEFT,
  AVCOL_PRI_BT709,
  AVCOL_RANGE_MPEG,
  AVCOL_SPC_BT709,
  AVCOL_TRC_BT709,
  Encoder,
  FF_ENCODER_LIBX264,
  Frame,
  Muxer,
  Rational,
} from 'node-av';

export interface ClipOptions {
  width: number;
  height: number;
  fps: number;
  /** x264's constant rate factor: lower is better and larger. */
  crf: number;
  /** x264's preset; slow unless said. */
  preset?: string;
}

/** Encodes I420 pictures (BT.709, limited range) as H.264 High, in Matroska for `.mkv`, otherwise in MP4, index first. */
export async function encodeClip(path: string, pictures: AsyncIterable<Buffer>, options: ClipOptions): Promise<void> {
  const { width, height, fps } = options;
  const encoder = await Encoder.create(FF_ENCODER_LIBX264, {
    context: {
      width,
      height,
      pixelFormat: AV_PIX_FMT_YUV420P,
      timeBase: new Rational(1, fps),
      framerate: new Rational(fps, 1),
      // The demo feed sends these frames as they are: a monitor that opens its plate waits for the next key frame at most.
      gopSize: fps,
      maxBFrames: 0,
      colorRange: AVCOL_RANGE_MPEG,
      colorPrimaries: AVCOL_PRI_BT709,
      colorTrc: AVCOL_TRC_BT709,
      colorSpace: AVCOL_SPC_BT709,
      chromaLocation: AVCHROMA_LOC_LEFT,
    },
    options: { preset: options.preset ?? 'slow', crf: options.crf, tune: 'film' },
  });
  const muxer = path.endsWith('.mkv')
    ? await Muxer.open(path, { format: 'matroska' })
    : await Muxer.open(path, { format: 'mp4', options: { movflags: '+faststart' } });
  const stream = muxer.addStream(encoder);
  async function* frames(): AsyncGenerator<Frame | null> {
    let pts = 0n;
    for await (const picture of pictures) {
      const frame = Frame.fromVideoBuffer(picture, {
        width,
        height,
        format: AV_PIX_FMT_YUV420P,
        timeBase: { num: 1, den: fps },
      });
      frame.pts = pts++;
      yield frame;
    }
    yield null;
  }
  for await (const packet of encoder.packets(frames())) {
    await muxer.writePacket(packet, stream);
    packet?.free();
  }
  await muxer.close();
  encoder.close();
}
