import {
  ATTRIBUTE_INT,
  ATTRIBUTE_INTS,
  ATTRIBUTE_STRING,
  encodeModel,
  TYPE_FLOAT,
  TYPE_INT64,
  TYPE_UINT8,
} from './onnx-schema.ts';

export const OPSET = 16;
const IR_VERSION = 8;

export type Attribute = number | number[] | string;

interface Node {
  opType: string;
  name: string;
  input: string[];
  output: string[];
  attribute: Record<string, unknown>[];
}

interface Initializer {
  name: string;
  dims: number[];
  dataType: number;
  rawData: Uint8Array;
}

/** Collects the nodes and constants of one ONNX graph. Every method that adds something returns the value's name. */
export class OnnxGraph {
  private readonly name: string;
  private readonly nodes: Node[] = [];
  private readonly initializers = new Map<string, Initializer>();
  private readonly inputs: Record<string, unknown>[] = [];
  private readonly outputs: Record<string, unknown>[] = [];

  constructor(name: string) {
    this.name = name;
  }

  /** @param shape a name stands for a size that is left open. */
  input(name: string, shape: (number | string)[]): string {
    this.inputs.push(valueInfo(name, shape));
    return name;
  }

  /** Makes `value` an output of the graph under its public name. */
  output(name: string, value: string, shape: (number | string)[]): void {
    const producer = this.nodes.find((node) => node.output[0] === value);
    if (producer === undefined) throw new Error(`No node makes ${value}, so it cannot be the output ${name}.`);
    producer.output[0] = name;
    for (const node of this.nodes) node.input = node.input.map((input) => (input === value ? name : input));
    this.outputs.push(valueInfo(name, shape));
  }

  add(opType: string, input: string[], attributes: Record<string, Attribute> = {}): string {
    const name = `${opType}_${this.nodes.length}`;
    const attribute = Object.entries(attributes).map(([key, value]) => encodeAttribute(key, value));
    this.nodes.push({ opType, name, input, output: [name], attribute });
    return name;
  }

  floats(values: Float32Array | number[], dims: number[]): string {
    return this.constant(TYPE_FLOAT, Float32Array.from(values), dims);
  }

  bytes(values: Uint8Array, dims: number[]): string {
    return this.constant(TYPE_UINT8, values, dims);
  }

  ints(values: number[], dims: number[] = [values.length]): string {
    return this.constant(TYPE_INT64, BigInt64Array.from(values.map(BigInt)), dims);
  }

  /** The serialized model. Nodes and constants that no output needs are left out. */
  encode(metadata: Record<string, string>): Uint8Array {
    const needed = new Set(this.outputs.map((output) => String(output.name)));
    const node = this.nodes
      .toReversed()
      .filter((candidate) => {
        if (!candidate.output.some((value) => needed.has(value))) return false;
        for (const value of candidate.input) needed.add(value);
        return true;
      })
      .toReversed();
    return encodeModel({
      irVersion: IR_VERSION,
      producerName: 'understudy scripts/models/convert.ts',
      opsetImport: [{ domain: '', version: OPSET }],
      metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
      graph: {
        name: this.name,
        node,
        initializer: [...this.initializers.values()].filter((constant) => needed.has(constant.name)),
        input: this.inputs,
        output: this.outputs,
      },
    });
  }

  /** Equal constants are stored once. */
  private constant(dataType: number, values: Float32Array | BigInt64Array | Uint8Array, dims: number[]): string {
    const rawData = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    const key = `${dataType}:${dims.join('x')}:${Buffer.from(rawData).toString('latin1')}`;
    const known = this.initializers.get(key);
    if (known !== undefined) return known.name;
    const name = `const_${this.initializers.size}`;
    this.initializers.set(key, { name, dims, dataType, rawData });
    return name;
  }
}

function encodeAttribute(name: string, value: Attribute): Record<string, unknown> {
  if (typeof value === 'string') return { name, type: ATTRIBUTE_STRING, s: Buffer.from(value) };
  if (typeof value === 'number') return { name, type: ATTRIBUTE_INT, i: value };
  return { name, type: ATTRIBUTE_INTS, ints: value };
}

function valueInfo(name: string, shape: (number | string)[]): Record<string, unknown> {
  const dim = shape.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }));
  return { name, type: { tensorType: { elemType: TYPE_FLOAT, shape: { dim } } } };
}
