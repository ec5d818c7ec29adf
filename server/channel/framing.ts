/**
 * The wire between front and engine: 4-byte little-endian length, one byte of kind, then the body. It carries whole coded frames
 * beside small JSON messages over any ordered byte stream, so an engine may one day sit on another machine.
 *
 * A frame's body: role u8 · codec u8 · flags u8 (1 = key) · matrix, primaries, transfer, range u8 · quarter turns u8 ·
 * rtpTs u32 · width u16 · height u16 · captureUs f64 · bytes.
 */
import type { CodedFrame, Rotation, VideoCodec } from '../frame/coded.ts';
import type { Colour } from '../frame/frame.ts';
import { renditionName } from '../wire/messages.ts';

const KIND_MESSAGE = 0;
const KIND_FRAME = 1;
const LENGTH_BYTES = 4;
const FRAME_HEADER = 25;
/** A coded frame larger than this is a fault of the sender, not a picture. */
const MAX_BODY = 32 * 1024 * 1024;

const ROLES = ['ingest', ...renditionName.options] as const;
/**
 * Which way a frame travels and what it is: the camera's (front → engine) or a rendition (engine → front), whose key is this name
 * with the frame's codec.
 */
export type FrameRole = (typeof ROLES)[number];

const CODECS: readonly VideoCodec[] = ['h264', 'vp8'];
const MATRICES: readonly Colour['matrix'][] = ['unknown', 'bt709', 'bt601', 'bt2020'];
const PRIMARIES: readonly Colour['primaries'][] = ['unknown', 'bt709', 'bt601', 'bt2020'];
const TRANSFERS: readonly Colour['transfer'][] = ['unknown', 'bt709', 'bt601', 'srgb', 'pq', 'hlg'];
const RANGES: readonly Colour['range'][] = ['unknown', 'limited', 'full'];

/** Writes a frame's header; the coded bytes follow it on the stream unchanged, so that they are not copied. */
export function frameHeader(role: FrameRole, frame: CodedFrame): Buffer {
  const header = Buffer.allocUnsafe(LENGTH_BYTES + FRAME_HEADER);
  header.writeUInt32LE(FRAME_HEADER + frame.bytes.length, 0);
  header[4] = KIND_FRAME;
  header[5] = ROLES.indexOf(role);
  header[6] = CODECS.indexOf(frame.codec);
  header[7] = frame.key ? 1 : 0;
  header[8] = MATRICES.indexOf(frame.colour.matrix);
  header[9] = PRIMARIES.indexOf(frame.colour.primaries);
  header[10] = TRANSFERS.indexOf(frame.colour.transfer);
  header[11] = RANGES.indexOf(frame.colour.range);
  header[12] = (frame.rotation ?? 0) / 90;
  header.writeUInt32LE(frame.rtpTs >>> 0, 13);
  header.writeUInt16LE(frame.width, 17);
  header.writeUInt16LE(frame.height, 19);
  header.writeDoubleLE(frame.captureUs, 21);
  return header;
}

export function messageBytes(message: unknown): Buffer {
  const json = Buffer.from(JSON.stringify(message), 'utf8');
  const out = Buffer.allocUnsafe(LENGTH_BYTES + 1 + json.length);
  out.writeUInt32LE(1 + json.length, 0);
  out[4] = KIND_MESSAGE;
  json.copy(out, 5);
  return out;
}

export interface Receiver {
  frame(role: FrameRole, frame: CodedFrame): void;
  /** The parsed JSON; not yet checked. */
  message(message: unknown): void;
}

/** Cuts a byte stream into frames and messages. Throws on a body that cannot be one: the stream is then of no more use. */
export class Deframer {
  readonly #receiver: Receiver;
  #parts: Buffer[] = [];
  #have = 0;
  #need = LENGTH_BYTES;

  constructor(receiver: Receiver) {
    this.#receiver = receiver;
  }

  push(chunk: Buffer): void {
    this.#parts.push(chunk);
    this.#have += chunk.length;
    while (this.#have >= this.#need) {
      const all = this.#parts.length === 1 ? (this.#parts[0] as Buffer) : Buffer.concat(this.#parts);
      const length = all.readUInt32LE(0);
      if (length < 1 || length > MAX_BODY)
        throw new Error(`The channel carried a body of ${length} bytes: the stream is damaged.`);
      const end = LENGTH_BYTES + length;
      if (all.length < end) {
        this.#parts = [all];
        this.#need = end;
        return;
      }
      this.#parts = all.length > end ? [all.subarray(end)] : [];
      this.#have = all.length - end;
      this.#need = LENGTH_BYTES;
      this.#deliver(all.subarray(LENGTH_BYTES, end));
    }
  }

  #deliver(body: Buffer): void {
    if (body[0] === KIND_MESSAGE) {
      this.#receiver.message(JSON.parse(body.toString('utf8', 1)));
      return;
    }
    if (body[0] !== KIND_FRAME || body.length < FRAME_HEADER)
      throw new Error('The channel carried a body of unknown kind: the stream is damaged.');
    const role = ROLES[body[1] as number];
    const codec = CODECS[body[2] as number];
    const turns = body[8] as number;
    if (!role || !codec) throw new Error('The channel carried a frame of unknown kind: the stream is damaged.');
    this.#receiver.frame(role, {
      codec,
      key: body[3] === 1,
      rtpTs: body.readUInt32LE(9),
      width: body.readUInt16LE(13),
      height: body.readUInt16LE(15),
      captureUs: body.readDoubleLE(17),
      colour: {
        matrix: MATRICES[body[4] as number] ?? 'unknown',
        primaries: PRIMARIES[body[5] as number] ?? 'unknown',
        transfer: TRANSFERS[body[6] as number] ?? 'unknown',
        range: RANGES[body[7] as number] ?? 'unknown',
      },
      bytes: body.subarray(FRAME_HEADER),
      ...(turns > 0 && turns < 4 ? { rotation: (turns * 90) as Rotation } : {}),
    });
  }
}
