import { type RenditionName, renditionName } from '../../server/wire/messages.ts';
import { currentIceServers } from './ice.ts';
import { type Connection, connect } from './peer.ts';

export interface Viewing extends Connection {
  /** Filled as tracks arrive; give it to a video element at once. */
  readonly stream: MediaStream;
  /** What the server sends: the low one where this browser could not take the rendition that was asked for. */
  readonly rendition: RenditionName;
}

/** Watches a rendition of a feed with no playout delay of the browser's own: late is worse than uneven on a set. */
export async function watch(feed: string, rendition: RenditionName): Promise<Viewing> {
  const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle', iceServers: await currentIceServers() });
  const stream = new MediaStream();
  for (const kind of ['video', 'audio'] as const) {
    const { receiver } = pc.addTransceiver(kind, { direction: 'recvonly' });
    if ('jitterBufferTarget' in receiver) receiver.jitterBufferTarget = 0;
  }
  pc.addEventListener('track', ({ track }) => stream.addTrack(track));
  const connection = await connect(pc, `/whep/${encodeURIComponent(feed)}/${rendition}`);
  return { ...connection, stream, rendition: givenIn(connection.session) ?? rendition };
}

/** A session's address names its rendition: /whep/FEED/RENDITION/SESSION. */
function givenIn(session: string | null): RenditionName | null {
  const parsed = renditionName.safeParse(session && new URL(session).pathname.split('/').at(-2));
  return parsed.success ? parsed.data : null;
}
