import type { VideoCodec } from '../../frame/coded.ts';
import { type Colour, UNKNOWN_COLOUR } from '../../frame/frame.ts';
import { NAL, nalType, START_CODE } from './annexb.ts';
import { parseSps } from './sps.ts';

export interface CodedPicture {
  bytes: Buffer;
  key: boolean;
  /** 0 while unknown. */
  width: number;
  height: number;
  colour: Colour;
}

/** Gathers one frame's payloads. */
export interface Depacketizer {
  /** False where the payload cannot belong to a complete frame. */
  add(payload: Buffer): boolean;
  /** The frame; null where there is no whole picture in what was gathered. */
  take(): CodedPicture | null;
  /** True once part of a picture is here (parameter sets alone are none). */
  readonly begun: boolean;
  reset(): void;
}

export const createDepacketizer = (codec: VideoCodec, parameterSets: readonly Buffer[] = []): Depacketizer =>
  codec === 'h264' ? new H264Depacketizer(parameterSets) : new Vp8Depacketizer();

/** A frame in more pieces than this is none: pieces of a byte each would fill the memory long before the frame's size is up. */
const MAX_PARTS = 65_536;

const ONE_BYTE = Array.from({ length: 256 }, (_, value) => Buffer.from([value]));

/** RFC 6184, packetization modes 0 and 1. Parameter sets are kept and put before a key frame that comes without. */
class H264Depacketizer implements Depacketizer {
  #parts: Buffer[] = [];
  #fragmentType = -1;
  #key = false;
  #slices = 0;
  #whole = true;
  #sawSps = false;
  readonly #sps = new Map<string, Buffer>();
  readonly #pps = new Map<string, Buffer>();
  #size = { width: 0, height: 0 };
  #colour = UNKNOWN_COLOUR;

  constructor(parameterSets: readonly Buffer[]) {
    for (const nal of parameterSets) this.#keepParameters(nal);
  }

  add(payload: Buffer): boolean {
    if (this.#parts.length > MAX_PARTS) return false;
    const type = nalType(payload);
    if (type === NAL.fuA) return this.#addFragment(payload);
    if (this.#fragmentType >= 0) return false;
    if (type === NAL.stapA) return this.#addAggregate(payload);
    if (type === 0 || type > 23) return false;
    this.#addUnit(payload);
    return true;
  }

  get begun(): boolean {
    return this.#slices > 0 || this.#fragmentType >= 0;
  }

  take(): CodedPicture | null {
    const complete = this.#fragmentType < 0 && this.#slices > 0 && this.#whole;
    if (!complete) return null;
    if (this.#key && !this.#sawSps) {
      for (const nal of [...this.#sps.values(), ...this.#pps.values()].reverse()) this.#parts.unshift(START_CODE, nal);
    }
    return { bytes: Buffer.concat(this.#parts), key: this.#key, ...this.#size, colour: this.#colour };
  }

  reset(): void {
    this.#parts = [];
    this.#fragmentType = -1;
    this.#key = false;
    this.#slices = 0;
    this.#whole = true;
    this.#sawSps = false;
  }

  #addAggregate(payload: Buffer): boolean {
    let at = 1;
    while (at + 2 < payload.length) {
      const length = payload.readUInt16BE(at);
      at += 2;
      if (length === 0 || at + length > payload.length) return false;
      this.#addUnit(payload.subarray(at, at + length));
      at += length;
    }
    return at === payload.length;
  }

  #addFragment(payload: Buffer): boolean {
    if (payload.length < 3) return false;
    const indicator = payload[0] as number;
    const header = payload[1] as number;
    const type = header & 0x1f;
    if (header & 0x80) {
      if (this.#fragmentType >= 0) return false;
      this.#fragmentType = type;
      this.#parts.push(START_CODE, ONE_BYTE[(indicator & 0xe0) | type] as Buffer);
      this.#noteUnit(type, payload[2] as number);
    } else if (type !== this.#fragmentType) return false;
    this.#parts.push(payload.subarray(2));
    if (header & 0x40) this.#fragmentType = -1;
    return true;
  }

  #addUnit(nal: Buffer): void {
    const type = nalType(nal);
    if (type === NAL.sps || type === NAL.pps) this.#keepParameters(nal);
    this.#noteUnit(type, nal[1] ?? 0);
    this.#parts.push(START_CODE, nal);
  }

  #noteUnit(type: number, firstByte: number): void {
    if (type === NAL.sps) this.#sawSps = true;
    if (type < NAL.slice || type > NAL.idr) return;
    // A slice header begins with first_mb_in_slice; 0 is coded as a single 1 bit.
    if (this.#slices === 0 && !(firstByte & 0x80)) this.#whole = false;
    this.#slices++;
    if (type === NAL.idr) this.#key = true;
  }

  #keepParameters(nal: Buffer): void {
    const sets = nalType(nal) === NAL.sps ? this.#sps : this.#pps;
    // The identifier sits behind SPS's three fixed bytes, or first in a PPS; its leading byte tells sets apart well enough.
    const id = String(nalType(nal) === NAL.sps ? nal[4] : nal[1]);
    if (sets.get(id)?.equals(nal)) return;
    if (nalType(nal) === NAL.sps) {
      sets.clear();
      this.#pps.clear();
      const info = parseSps(nal);
      if (info) {
        this.#size = { width: info.width, height: info.height };
        this.#colour = info.colour;
      }
    }
    if (sets.size < 32) sets.set(id, Buffer.from(nal));
  }
}

/** VP8 carries only one bit of colour: 0 means BT.601 (RFC 6386 §9.2). */
const VP8_COLOUR: Colour = { ...UNKNOWN_COLOUR, matrix: 'bt601' };

/** Bytes of a VP8 payload descriptor (RFC 7741 §4.2); -1 where it is cut off. */
function descriptorBytes(payload: Buffer): number {
  const first = payload[0];
  if (first === undefined) return -1;
  let at = 1;
  if (first & 0x80) {
    const extension = payload[at++] ?? 0;
    if (extension & 0x80) at += (payload[at] ?? 0) & 0x80 ? 2 : 1;
    if (extension & 0x40) at++;
    if (extension & 0x30) at++;
  }
  return at < payload.length ? at : -1;
}

class Vp8Depacketizer implements Depacketizer {
  #parts: Buffer[] = [];
  #size = { width: 0, height: 0 };
  #colour = UNKNOWN_COLOUR;

  add(payload: Buffer): boolean {
    const bytes = descriptorBytes(payload);
    if (bytes < 0 || this.#parts.length > MAX_PARTS) return false;
    const startsPartition = ((payload[0] as number) & 0x17) === 0x10;
    if (this.#parts.length === 0 && !startsPartition) return false;
    this.#parts.push(payload.subarray(bytes));
    return true;
  }

  get begun(): boolean {
    return this.#parts.length > 0;
  }

  take(): CodedPicture | null {
    if (this.#parts.length === 0) return null;
    const bytes = Buffer.concat(this.#parts);
    const key = ((bytes[0] as number) & 1) === 0;
    if (key) {
      if (bytes.length < 11 || bytes.readUIntBE(3, 3) !== 0x9d012a) return null;
      this.#size = { width: bytes.readUInt16LE(6) & 0x3fff, height: bytes.readUInt16LE(8) & 0x3fff };
      // The first bool-coded bit, probability one half, is color_space.
      this.#colour = (bytes[10] as number) < 0x80 ? VP8_COLOUR : UNKNOWN_COLOUR;
    }
    return { bytes, key, ...this.#size, colour: this.#colour };
  }

  reset(): void {
    this.#parts = [];
  }
}
