/**
 * A process that may die: it takes each offer it is sent through the whole answer path of the rtp engine, libdatachannel included, as a
 * camera's and as a monitor's, and says how that went. Who started it learns from its death which offer kills.
 */
import { Problem } from '../../server/config/problem.ts';
import { checkOffer } from '../../server/http/sdp.ts';
import { createRtpEngine } from '../../server/media/rtp/engine.ts';

export interface NativeOrder {
  id: number;
  offer: string;
}
export interface NativeAnswer {
  id: number;
  /** `answered`, or the code of the refusal; anything that is no refusal of the table begins with "thrown: ". */
  camera: string;
  monitor: string;
  ms: number;
}

const engine = createRtpEngine({ bindAddress: '127.0.0.1' });
const rendition = engine.rendition({ feed: 'a', name: 'program', codec: 'h264', keyWanted: () => undefined });

async function outcome(open: () => Promise<{ answer: string; close(): void }>): Promise<string> {
  try {
    const session = await open();
    const good = session.answer.startsWith('v=0');
    session.close();
    return good ? 'answered' : `thrown: an answer that is none: ${session.answer.slice(0, 80)}`;
  } catch (error) {
    return error instanceof Problem ? error.code : `thrown: ${String(error)}`;
  }
}

async function answer({ id, offer }: NativeOrder): Promise<NativeAnswer> {
  const began = performance.now();
  const camera = await outcome(async () => {
    checkOffer(offer);
    return engine.ingest(offer, { frame: () => undefined, seen: () => undefined, state: () => undefined }, 'a');
  });
  const monitor = await outcome(async () => {
    checkOffer(offer);
    return rendition.addViewer(offer, () => undefined);
  });
  return { id, camera, monitor, ms: performance.now() - began };
}

process.on('message', (order: NativeOrder) => {
  void answer(order).then((said) => process.send?.(said));
});
process.on('disconnect', () => process.exit(0));
