import { currentIceServers } from './ice.ts';
import { type Connection, connect } from './peer.ts';

export interface PublishSettings {
  feed: string;
  track: MediaStreamTrack;
  /** Sent beside the picture; null sends none, and one may come later (`replaceTrack`). */
  sound: MediaStreamTrack | null;
  /** Bits per second. */
  maxBitrate: number;
  /** What a slow machine or network may not take: the rate (a camera) or the size (a test picture). */
  keep: 'rate' | 'size';
}

/** H.264 first (the server decodes it for a quarter of VP8's cost), then VP8, then what the browser needs beside them. */
function preferred(): RTCRtpCodec[] {
  const all = RTCRtpSender.getCapabilities('video')?.codecs ?? [];
  const rank = (codec: RTCRtpCodec) => {
    const type = codec.mimeType.toLowerCase();
    const line = codec.sdpFmtpLine ?? '';
    // Constrained baseline in packetization mode 1: what every browser's software encoder makes.
    if (type === 'video/h264') return line.includes('packetization-mode=1') ? (line.includes('42e0') ? 0 : 1) : 2;
    if (type === 'video/vp8') return 3;
    return type === 'video/rtx' ? 4 : 9;
  };
  return all.filter((codec) => rank(codec) < 9).sort((a, b) => rank(a) - rank(b));
}

/** Sends a picture to a feed, and sound beside it. */
export async function publish({ feed, track, sound, maxBitrate, keep }: PublishSettings): Promise<Connection> {
  track.contentHint = 'motion';
  const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle', iceServers: await currentIceServers() });
  const transceiver = pc.addTransceiver(track, {
    direction: 'sendonly',
    // No maxFramerate: the source sets the rate, and a cap at that rate would drop every frame that comes a little early.
    sendEncodings: [{ maxBitrate }],
  });
  const codecs = preferred();
  if (codecs.length > 0) transceiver.setCodecPreferences(codecs);
  pc.addTransceiver(sound ?? 'audio', { direction: 'sendonly' });
  const connection = await connect(pc, `/whip/${encodeURIComponent(feed)}`);
  const parameters = transceiver.sender.getParameters();
  parameters.degradationPreference = keep === 'rate' ? 'maintain-framerate' : 'maintain-resolution';
  // A browser that does not know the preference keeps its own; the picture still goes out.
  await transceiver.sender.setParameters(parameters).catch(() => null);
  return connection;
}
