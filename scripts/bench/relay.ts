/**
 * A UDP relay between peers and server, in a process of its own. RTP headers travel in the clear, so it can note when the last packet
 * of each frame passes, outside the server, on one clock for both directions. It changes nothing unless it is told to impair a leg.
 */
import { createSocket, type Socket } from 'node:dgram';
import { ImpairedWay, type Impairment } from './chaos-impair.ts';

export interface Crossing {
  rtpTs: number;
  atMs: number;
}

/** From the client to the server, or to the client. */
export type Direction = 'up' | 'down';

export type RelayOrder =
  | { order: 'open'; leg: number; host: string; port: number }
  /** From now on; an empty impairment makes the way good again. It stays when the leg is opened anew. */
  | { order: 'impair'; leg: number; direction: Direction; impairment: Impairment }
  | { order: 'take' }
  | { order: 'close' };
export type RelayAnswer =
  | { answer: 'open'; leg: number; port: number }
  | { answer: 'impaired' }
  /** Markers seen since the last take: from the client (up) and to the client (down) of each leg. */
  | { answer: 'take'; legs: { leg: number; up: Crossing[]; down: Crossing[]; downPackets: number }[] };

const RTP_VERSION = 2;
const FIRST_RTCP = 192;
const LAST_RTCP = 223;

const ways = new Map<string, ImpairedWay>();
interface LegRecord {
  up: Crossing[];
  down: Crossing[];
  downPackets: number;
}
const legs = new Map<number, LegRecord>();
const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;

function note(packet: Buffer, into: Crossing[]): boolean {
  const second = packet[1] ?? 0;
  if (packet.length < 12 || (packet[0] ?? 0) >> 6 !== RTP_VERSION || (second >= FIRST_RTCP && second <= LAST_RTCP))
    return false;
  if (second & 0x80) into.push({ rtpTs: packet.readUInt32BE(4), atMs: nowMs() });
  return true;
}

/** Up and down draw from different sequences, and so do legs. */
function wayOf(leg: number, direction: Direction): ImpairedWay {
  const name = `${leg} ${direction}`;
  const way = ways.get(name) ?? new ImpairedWay(1 + leg * 2 + (direction === 'up' ? 0 : 1));
  ways.set(name, way);
  return way;
}

async function open(leg: number, host: string, port: number): Promise<number> {
  // A peer that connects again goes on in its leg's record.
  const record = legs.get(leg) ?? { up: [], down: [], downPackets: 0 };
  legs.set(leg, record);
  const facing: { client: Socket; server: Socket } = { client: createSocket('udp4'), server: createSocket('udp4') };
  const [up, down] = [wayOf(leg, 'up'), wayOf(leg, 'down')];
  let client: { address: string; port: number } | null = null;
  facing.client.on('message', (packet, from) => {
    client = from;
    up.pass(packet.length, () => {
      note(packet, record.up);
      facing.server.send(packet, port, host);
    });
  });
  facing.server.on('message', (packet) => {
    if (note(packet, record.down)) record.downPackets++;
    const to = client;
    if (to) down.pass(packet.length, () => facing.client.send(packet, to.port, to.address));
  });
  await Promise.all([bound(facing.client), bound(facing.server)]);
  return facing.client.address().port;
}

const bound = (socket: Socket): Promise<void> => new Promise((resolve) => socket.bind(0, '127.0.0.1', resolve));

if (process.send) {
  process.on('message', (order: RelayOrder) => {
    if (order.order === 'open') {
      const { leg, host, port } = order;
      void open(leg, host, port).then((own) =>
        process.send?.({ answer: 'open', leg, port: own } satisfies RelayAnswer),
      );
    } else if (order.order === 'impair') {
      wayOf(order.leg, order.direction).set(order.impairment);
      process.send?.({ answer: 'impaired' } satisfies RelayAnswer);
    } else if (order.order === 'take') {
      const taken = [...legs].map(([leg, record]) => ({ leg, ...record }));
      for (const [leg] of legs) Object.assign(legs.get(leg) ?? {}, { up: [], down: [], downPackets: 0 });
      process.send?.({ answer: 'take', legs: taken } satisfies RelayAnswer);
    } else process.exit(0);
  });
  process.on('disconnect', () => process.exit(0));
}
