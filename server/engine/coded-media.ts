import type { CodedFrame } from '../frame/coded.ts';
import { UNKNOWN_COLOUR } from '../frame/frame.ts';
import { Decoder } from './decoder.ts';
import { Encoder } from './encoder.ts';
import type { EngineMedia, MediaKit, MediaParts } from './media.ts';
import { quietCodecs } from './quiet.ts';
import { codedSlate } from './slate.ts';

/** Coded frames over the channel, decoded and encoded here with FFmpeg (media.engine rtp). */
export function codedMedia(): MediaKit<CodedFrame> {
  quietCodecs();
  return {
    open,
    slate: codedSlate,
    rehearsal: async (pictures, slate, width, height) => {
      if (!slate) return null;
      const decoder = new Decoder(pictures, '');
      try {
        const coded = { codec: 'h264', key: true, rtpTs: 0, captureUs: 0, colour: UNKNOWN_COLOUR } as const;
        const decoded = await decoder.decode({ ...coded, width, height, bytes: slate });
        return 'picture' in decoded ? decoded.picture : null;
      } finally {
        decoder.close();
      }
    },
  };
}

function open({ options, pictures, push }: MediaParts<CodedFrame>): EngineMedia<CodedFrame> {
  const { feed, programBitrate, lowBitrate, encoderThreads } = options;
  const decoder = new Decoder(pictures, feed);
  return {
    decoder,
    openEncoder: ({ name, codec }) => {
      const low = name === 'low';
      return new Encoder({ codec, bitrate: low ? lowBitrate : programBitrate, threads: low ? 1 : encoderThreads });
    },
    frame: push,
    tell: () => false,
    close: () => decoder.close(),
  };
}
