import { isPeerOrder } from '../channel/peer-messages.ts';
import { UNKNOWN_COLOUR } from '../frame/frame.ts';
import { monotonicUs } from '../media/rtp/clock.ts';
import { loadWrtc, type Wrtc } from '../media/wrtc/peer.ts';
import { WrtcPeers } from '../media/wrtc/peers.ts';
import { copyUpright, type RawPicture, uprightSize } from '../media/wrtc/upright.ts';
import type { EngineMedia, MediaKit, MediaParts } from './media.ts';
import { type Decoded, rightSize, wrongSize } from './sizes.ts';

/**
 * A camera's picture as libwebrtc decoded it. Its time is that of its arrival here: libwebrtc tells neither the RTP timestamp nor
 * the colour, so plate and program cannot be paired by timestamps and an unknown colour takes the feed's default.
 */
export interface RawInput extends RawPicture {
  /** Every raw picture stands by itself. */
  key: true;
  rtpTs: number;
  captureUs: number;
}

const TICKS_PER_US = 0.09;

/** libwebrtc's peers in this process (media.engine wrtc): it decodes and encodes, and no FFmpeg is loaded. */
export async function loadRawMedia(): Promise<MediaKit<RawInput>> {
  const wrtc = await loadWrtc();
  return {
    open: (parts) => open(wrtc, parts),
    // A lost engine takes its viewers with it: there is nobody to show a slate to.
    slate: async () => null,
    rehearsal: async (pictures, _, width, height) => {
      const picture = pictures.take(width, height, UNKNOWN_COLOUR, { feed: '', rtpTs: 0, captureUs: 0 });
      for (const plane of picture.planes) plane.fill(128);
      return picture;
    },
  };
}

function open(wrtc: Wrtc, { options, pictures, output, push }: MediaParts<RawInput>): EngineMedia<RawInput> {
  const peers = new WrtcPeers(wrtc, {
    report: output.message,
    picture: (picture) => {
      const captureUs = monotonicUs();
      push({ ...picture, key: true, captureUs, rtpTs: Math.round(captureUs * TICKS_PER_US) >>> 0 });
    },
  });
  const decode = async (raw: RawInput): Promise<Decoded> => {
    const { width, height } = uprightSize(raw);
    if (!rightSize(width, height)) return { needKey: false, why: wrongSize(raw.width, raw.height) };
    const { rtpTs, captureUs } = raw;
    const picture = pictures.take(width, height, UNKNOWN_COLOUR, { feed: options.feed, rtpTs, captureUs });
    copyUpright(raw, picture.planes);
    return { picture };
  };
  return {
    decoder: { decode, reset: () => undefined },
    openEncoder: ({ name }) => ({
      encode: async (picture) => {
        peers.show(name, picture);
        return null;
      },
      // Every viewer's encoder answers its own viewer.
      requestKey: () => undefined,
      close: () => undefined,
    }),
    frame: () => undefined,
    tell: (message) => {
      if (!isPeerOrder(message)) return false;
      peers.obey(message);
      return true;
    },
    close: () => peers.close(),
  };
}
