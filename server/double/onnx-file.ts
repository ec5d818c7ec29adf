/** A constant of an ONNX graph. */
export interface Constant {
  name: string;
  dims: number[];
  /** Null where it is not float32 (or lies outside the file). */
  values: Float32Array | null;
}

const FLOAT32 = 1;
/** Wire types of protocol buffers. */
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

interface Field {
  number: number;
  /** Null for numbers of fixed length. */
  value: number | Uint8Array | null;
}

/** The fields of one message of protocol buffers. @throws Error where the bytes are no message. */
function* fields(bytes: Uint8Array): Generator<Field> {
  let at = 0;
  const varint = (): number => {
    let [value, scale] = [0, 1];
    for (;;) {
      const byte = bytes[at++];
      if (byte === undefined || scale > 2 ** 63) throw new Error('the file ends in the middle of a number');
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    const type = tag % 8;
    if (type === VARINT) yield { number, value: varint() };
    else if (type === FIXED64 || type === FIXED32) {
      at += type === FIXED64 ? 8 : 4;
      yield { number, value: null };
    } else if (type === BYTES) {
      const length = varint();
      if (at + length > bytes.length) throw new Error('the file ends in the middle of a field');
      yield { number, value: bytes.subarray(at, at + length) };
      at += length;
    } else throw new Error('the file is not an ONNX model');
  }
}

/** The last constant that a model's graph lists: where embedding-conditioned networks keep their converter. Field numbers: onnx.proto. */
export function lastConstant(model: Uint8Array): Constant | null {
  let last: Uint8Array | null = null;
  for (const { number, value } of fields(model)) {
    if (number !== 7 || !(value instanceof Uint8Array)) continue;
    for (const inner of fields(value)) if (inner.number === 5 && inner.value instanceof Uint8Array) last = inner.value;
  }
  return last && constantOf(last);
}

function constantOf(tensor: Uint8Array): Constant {
  const constant: Constant = { name: '', dims: [], values: null };
  let [type, raw, floats]: [number, Uint8Array | null, Uint8Array | null] = [0, null, null];
  for (const { number, value } of fields(tensor)) {
    if (number === 1 && typeof value === 'number') constant.dims.push(value);
    else if (number === 1 && value instanceof Uint8Array) constant.dims.push(...packed(value));
    else if (number === 2 && typeof value === 'number') type = value;
    else if (number === 4 && value instanceof Uint8Array) floats = value;
    else if (number === 8 && value instanceof Uint8Array) constant.name = new TextDecoder().decode(value);
    else if (number === 9 && value instanceof Uint8Array) raw = value;
  }
  const bytes = raw ?? floats;
  const count = constant.dims.reduce((product, size) => product * size, 1);
  if (type === FLOAT32 && bytes?.length === 4 * count) constant.values = floatsIn(bytes);
  return constant;
}

/** Little-endian float32 numbers; a last one that is cut off is left out. A copy: they may begin anywhere in a larger block. */
export const floatsIn = (bytes: Uint8Array): Float32Array =>
  new Float32Array(Uint8Array.from(bytes.subarray(0, bytes.length - (bytes.length % 4))).buffer);

function* packed(bytes: Uint8Array): Generator<number> {
  let [value, scale] = [0, 1];
  for (const byte of bytes) {
    value += (byte & 127) * scale;
    scale *= 128;
    if (byte >= 128) continue;
    yield value;
    [value, scale] = [0, 1];
  }
}
