/**
 * A process that may die: it takes each offer it is sent through the whole answer path of the rtp engine, libdatachannel included, as a
 * camera's and as a monitor's, and says how that went. Who started it learns from its death which offer kills.
 */
import { Problem } from '../../server/config/problem.ts';
import { IceSessions } from '../../server/http/ice-sessions.ts';
import { checkOffer } from '../../server/http/sdp.ts';
import type { PeerSession } from '../../server/media/port.ts';
import { createRtpEngine } from '../../server/media/rtp/engine.ts';

export interface NativeOrder {
  id: number;
  offer: string;
  /** Patched onto the session, where the offer opened one. */
  fragment: string;
}
export interface NativeAnswer {
  id: number;
  /** `answered`, or the code of the refusal; anything that is no refusal of the table begins with "thrown: ". */
  camera: string;
  monitor: string;
  ms: number;
}

type Session = PeerSession & { close(): void };

const engine = createRtpEngine({ bindAddress: '127.0.0.1' });
const rendition = engine.rendition({ feed: 'a', name: 'program', codec: 'h264', keyWanted: () => undefined });

/** As PATCH does it. A fragment is refused by itself: the session goes on. */
async function patch(session: Session, offer: string, fragment: string): Promise<void> {
  const sessions = new IceSessions({ compatible: true, lenient: () => undefined });
  sessions.begin(session, offer);
  for (const ifMatch of [undefined, '*']) {
    try {
      await sessions.patch(session, ifMatch, fragment);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
    }
  }
}

async function outcome(order: NativeOrder, open: () => Promise<Session>): Promise<string> {
  try {
    const session = await open();
    await patch(session, order.offer, order.fragment);
    const good = session.answer.startsWith('v=0');
    session.close();
    return good ? 'answered' : `thrown: an answer that is none: ${session.answer.slice(0, 80)}`;
  } catch (error) {
    return error instanceof Problem ? error.code : `thrown: ${String(error)}`;
  }
}

async function answer(order: NativeOrder): Promise<NativeAnswer> {
  const { id, offer } = order;
  const began = performance.now();
  const camera = await outcome(order, async () => {
    checkOffer(offer);
    return engine.ingest(offer, { frame: () => undefined, seen: () => undefined, state: () => undefined }, 'a');
  });
  const monitor = await outcome(order, async () => {
    checkOffer(offer);
    return rendition.addViewer(offer, () => undefined);
  });
  return { id, camera, monitor, ms: performance.now() - began };
}

process.on('message', (order: NativeOrder) => {
  void answer(order).then((said) => process.send?.(said));
});
process.on('disconnect', () => process.exit(0));
