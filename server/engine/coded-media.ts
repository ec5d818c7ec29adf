import type { CodedFrame } from '../frame/coded.ts';
import { UNKNOWN_COLOUR } from '../frame/frame.ts';
import { type RenditionId, type RenditionName, renditionId } from '../wire/messages.ts';
import { Decoder } from './decoder.ts';
import { Encoder } from './encoder.ts';
import type { EngineMedia, MediaKit, MediaParts } from './media.ts';
import { quietCodecs } from './quiet.ts';
import { withVp8Colour } from './recolour.ts';
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

function open({ options, pictures, kernels, output, push }: MediaParts<CodedFrame>): EngineMedia<CodedFrame> {
  const { feed, encoderThreads } = options;
  // One for all renditions: what was left for one is not asked again by the next.
  let gpu = options.videoEncoder === 'nvenc' ? options.inference.device : null;
  const told = new Set<string>();
  const decoder = new Decoder(pictures, feed);
  let rates: { programBitrate: number; lowBitrate: number } = options;
  const bitrate = (name: RenditionName): number => (name === 'low' ? rates.lowBitrate : rates.programBitrate);
  const encoders = new Map<RenditionId, { name: RenditionName; encoder: Encoder }>();
  return {
    decoder,
    openEncoder: (key) => {
      const { name, codec } = key;
      const encoder = new Encoder({
        codec,
        bitrate: bitrate(name),
        threads: name === 'low' ? 1 : encoderThreads,
        gpu,
        fellBack: (why) => {
          gpu = null;
          if (told.has(why)) return;
          told.add(why);
          output.message({
            type: 'trouble',
            sentence: `The processor encodes ${name}, and what is opened after it, instead of the GPU (NVENC): ${why} \`understudy doctor\` tries it; engine.videoEncoder: cpu asks for the processor.`,
          });
        },
      });
      encoders.set(renditionId(key), { name, encoder });
      const parts = { unknownMatrix: options.unknownColour, pictures, kernels };
      return codec === 'vp8' ? withVp8Colour(encoder, parts) : encoder;
    },
    frame: push,
    tell: (message) => {
      if (message.type !== 'rates') return false;
      rates = message;
      for (const { name, encoder } of encoders.values()) encoder.bitrate = bitrate(name);
      return true;
    },
    close: () => decoder.close(),
  };
}
