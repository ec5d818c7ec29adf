import * as flatbuffers from 'flatbuffers';
import { toObject } from 'flatbuffers/js/flexbuffers.js';

/**
 * Reads a TensorFlow Lite model (a FlatBuffer): tensors, constants and operators of its one graph.
 * Field numbers and enum values: tensorflow/compiler/mlir/lite/schema/schema.fbs. Only what the perception models
 * hold is read; anything else is an error, never a guess.
 */
export interface TfliteTensor {
  index: number;
  name: string;
  /** TFLite's own order: NHWC, filters OHWI. */
  shape: number[];
  type: TensorType;
  /** The raw bytes of a constant, null for an activation. */
  data: Uint8Array | null;
}

export type TensorType = 'float32' | 'float16' | 'int32';

export interface TfliteOp {
  /** A builtin's name, or `CUSTOM:Name`. */
  type: string;
  /** Tensor indices; -1 marks an input left out. */
  inputs: number[];
  outputs: number[];
  options: OpOptions;
  /** A custom operator's options (FlexBuffer), empty for a builtin. */
  custom: Record<string, unknown>;
}

export interface OpOptions {
  padding: 'SAME' | 'VALID';
  strideW: number;
  strideH: number;
  dilationW: number;
  dilationH: number;
  filterW: number;
  filterH: number;
  alignCorners: boolean;
  halfPixelCenters: boolean;
}

export interface TfliteModel {
  description: string;
  tensors: TfliteTensor[];
  ops: TfliteOp[];
  inputs: number[];
  outputs: number[];
}

const TENSOR_TYPES: Record<number, TensorType> = { 0: 'float32', 1: 'float16', 2: 'int32' };

const CUSTOM_CODE = 32;
const BUILTINS: Record<number, string> = {
  0: 'ADD',
  3: 'CONV_2D',
  4: 'DEPTHWISE_CONV_2D',
  6: 'DEQUANTIZE',
  17: 'MAX_POOL_2D',
  18: 'MUL',
  19: 'RELU',
  22: 'RESHAPE',
  23: 'RESIZE_BILINEAR',
  34: 'PAD',
  45: 'STRIDED_SLICE',
  54: 'PRELU',
};

/** Where the fields that we read stand in each operator's options table; -1 where it has none. */
interface OptionSlots {
  padding: number;
  stride: number;
  dilation: number;
  filter: number;
  activation: number;
}
const OPTION_SLOTS: Record<string, OptionSlots> = {
  CONV_2D: { padding: 0, stride: 1, activation: 3, dilation: 4, filter: -1 },
  DEPTHWISE_CONV_2D: { padding: 0, stride: 1, activation: 4, dilation: 5, filter: -1 },
  MAX_POOL_2D: { padding: 0, stride: 1, filter: 3, activation: 5, dilation: -1 },
  ADD: { activation: 0, padding: -1, stride: -1, dilation: -1, filter: -1 },
  MUL: { activation: 0, padding: -1, stride: -1, dilation: -1, filter: -1 },
};

/** One FlatBuffer table; `slot` is the field's number in the schema. */
class Table {
  private readonly buffer: flatbuffers.ByteBuffer;
  private readonly position: number;

  constructor(buffer: flatbuffers.ByteBuffer, position: number) {
    this.buffer = buffer;
    this.position = position;
  }

  private at(slot: number): number | null {
    const offset = slot < 0 ? 0 : this.buffer.__offset(this.position, 4 + 2 * slot);
    return offset === 0 ? null : this.position + offset;
  }

  int8(slot: number, fallback = 0): number {
    const at = this.at(slot);
    return at === null ? fallback : this.buffer.readInt8(at);
  }

  int32(slot: number, fallback = 0): number {
    const at = this.at(slot);
    return at === null ? fallback : this.buffer.readInt32(at);
  }

  text(slot: number): string {
    const at = this.at(slot);
    return at === null ? '' : String(this.buffer.__string(at));
  }

  table(slot: number): Table | null {
    const at = this.at(slot);
    return at === null ? null : new Table(this.buffer, this.buffer.__indirect(at));
  }

  tables(slot: number): Table[] {
    const { start, length } = this.vector(slot);
    return Array.from({ length }, (_, i) => new Table(this.buffer, this.buffer.__indirect(start + 4 * i)));
  }

  int32s(slot: number): number[] {
    const { start, length } = this.vector(slot);
    return Array.from({ length }, (_, i) => this.buffer.readInt32(start + 4 * i));
  }

  /** A copy, so that typed views of it are aligned. */
  bytes(slot: number): Uint8Array | null {
    const { start, length } = this.vector(slot);
    return length === 0 ? null : this.buffer.bytes().slice(start, start + length);
  }

  private vector(slot: number): { start: number; length: number } {
    const at = this.at(slot);
    if (at === null) return { start: 0, length: 0 };
    return { start: this.buffer.__vector(at), length: this.buffer.__vector_len(at) };
  }
}

/** @throws Error when the bytes are no TFLite model or hold an operator or tensor type outside the ones above. */
export function readTflite(bytes: Uint8Array): TfliteModel {
  if (Buffer.from(bytes.subarray(4, 8)).toString('latin1') !== 'TFL3') {
    throw new Error(
      'This is no TensorFlow Lite model: its identifier is not TFL3. Check the source file and its offsets.',
    );
  }
  const buffer = new flatbuffers.ByteBuffer(bytes);
  const model = new Table(buffer, buffer.readInt32(0));
  const opNames = model.tables(1).map(operatorName);
  const constants = model.tables(4).map((table) => table.bytes(0));
  const graphs = model.tables(2);
  const graph = graphs[0];
  if (graph === undefined || graphs.length !== 1) {
    throw new Error(`A model with one graph was expected, this one has ${graphs.length}.`);
  }
  return {
    description: model.text(3),
    tensors: graph.tables(0).map((table, index) => readTensor(table, index, constants)),
    ops: graph.tables(3).map((table) => readOp(table, opNames)),
    inputs: graph.int32s(1),
    outputs: graph.int32s(2),
  };
}

function operatorName(code: Table): string {
  const builtin = Math.max(code.int8(0), code.int32(3));
  if (builtin === CUSTOM_CODE) return `CUSTOM:${code.text(1)}`;
  const name = BUILTINS[builtin];
  if (name === undefined)
    throw new Error(`The model uses TFLite operator ${builtin}, which this converter does not know.`);
  return name;
}

function readTensor(table: Table, index: number, constants: (Uint8Array | null)[]): TfliteTensor {
  const name = table.text(3);
  const type = TENSOR_TYPES[table.int8(1)];
  if (type === undefined)
    throw new Error(`Tensor ${name} has type ${table.int8(1)}, which this converter does not know.`);
  if (table.table(6) !== null) throw new Error(`Tensor ${name} is stored sparse; take the dense variant of the model.`);
  return { index, name, type, shape: table.int32s(0), data: constants[table.int32(2)] ?? null };
}

function readOp(table: Table, opNames: string[]): TfliteOp {
  const type = opNames[table.int32(0)] ?? '';
  const custom = table.bytes(5);
  return {
    type,
    inputs: table.int32s(1),
    outputs: table.int32s(2),
    options: readOptions(type, table.table(4)),
    custom: custom === null ? {} : (toObject(custom.buffer as ArrayBuffer) as Record<string, unknown>),
  };
}

function readOptions(type: string, table: Table | null): OpOptions {
  const slots = OPTION_SLOTS[type] ?? { padding: -1, stride: -1, dilation: -1, filter: -1, activation: -1 };
  const pair = (slot: number): [number, number] =>
    table === null || slot < 0 ? [1, 1] : [table.int32(slot, 1), table.int32(slot + 1, 1)];
  if (table !== null && table.int8(slots.activation) !== 0) {
    throw new Error(`A ${type} carries a fused activation, which this converter does not know.`);
  }
  const [strideW, strideH] = pair(slots.stride);
  const [dilationW, dilationH] = pair(slots.dilation);
  const [filterW, filterH] = pair(slots.filter);
  const resize = type === 'RESIZE_BILINEAR' ? table : null;
  return {
    padding: table !== null && table.int8(slots.padding) === 1 ? 'VALID' : 'SAME',
    strideW,
    strideH,
    dilationW,
    dilationH,
    filterW,
    filterH,
    alignCorners: resize?.int8(2) === 1,
    halfPixelCenters: resize?.int8(3) === 1,
  };
}

/** A float constant's values; float16 is widened, which is exact. */
export function floats(tensor: TfliteTensor): Float32Array {
  const data = constantBytes(tensor);
  if (tensor.type === 'float32') return new Float32Array(data.slice().buffer);
  if (tensor.type === 'float16') return Float32Array.from(new Uint16Array(data.slice().buffer), halfToFloat);
  throw new Error(`Tensor ${tensor.name} should hold floats and holds ${tensor.type}.`);
}

export function ints(tensor: TfliteTensor): number[] {
  if (tensor.type !== 'int32') throw new Error(`Tensor ${tensor.name} should hold integers and holds ${tensor.type}.`);
  return [...new Int32Array(constantBytes(tensor).slice().buffer)];
}

function constantBytes(tensor: TfliteTensor): Uint8Array<ArrayBuffer> {
  if (tensor.data === null) throw new Error(`Tensor ${tensor.name} should be a constant and has no data.`);
  return tensor.data as Uint8Array<ArrayBuffer>;
}

/** IEEE 754 binary16. */
function halfToFloat(bits: number): number {
  const sign = bits >> 15 === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
