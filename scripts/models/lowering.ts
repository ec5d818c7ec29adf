import type { OnnxGraph } from './onnx-graph.ts';
import { floats, ints, type TfliteModel, type TfliteOp, type TfliteTensor } from './tflite.ts';

/**
 * What every lowered operator shares: the TFLite model, the ONNX graph under construction, and which ONNX value
 * stands for which TFLite tensor. Activations of rank 4 are NCHW in the ONNX graph (NHWC in TFLite); all others
 * keep TFLite's order.
 */
export class Lowering {
  readonly graph: OnnxGraph;
  private readonly model: TfliteModel;
  private readonly values = new Map<number, string>();
  /** DEQUANTIZE of a constant only widens it: the constant's own tensor stands for the result. */
  private readonly aliases = new Map<number, number>();
  private readonly makers = new Map<number, TfliteOp>();
  private readonly readers = new Map<number, TfliteOp[]>();
  private readonly parts = new Map<number, readonly string[]>();
  private readonly signs = new Map<number, Float32Array>();

  constructor(model: TfliteModel, graph: OnnxGraph) {
    this.model = model;
    this.graph = graph;
    for (const op of model.ops) {
      for (const made of op.outputs) this.makers.set(made, op);
      for (const read of op.inputs) this.readers.set(read, [...(this.readers.get(read) ?? []), op]);
    }
  }

  tensor(index: number): TfliteTensor {
    const tensor = this.model.tensors[this.aliases.get(index) ?? index];
    if (tensor === undefined) throw new Error(`The model has no tensor ${index}.`);
    return tensor;
  }

  shape(index: number): number[] {
    return this.tensor(index).shape;
  }

  alias(index: number, constant: number): void {
    this.aliases.set(index, constant);
  }

  /** The operator that makes an activation; null for the model's input. */
  maker(index: number): TfliteOp | null {
    return this.makers.get(index) ?? null;
  }

  readersOf(index: number): readonly TfliteOp[] {
    return this.readers.get(index) ?? [];
  }

  isConstant(index: number): boolean {
    return this.tensor(index).data !== null;
  }

  floats(index: number): Float32Array {
    return floats(this.tensor(index));
  }

  ints(index: number): number[] {
    return ints(this.tensor(index));
  }

  set(index: number, value: string): void {
    this.values.set(index, value);
  }

  /** Sets a picture of which the groups of channels are values of their own as well. */
  setParts(index: number, parts: readonly string[]): void {
    this.parts.set(index, parts);
    this.set(index, this.graph.add('Concat', [...parts], { axis: 1 }));
  }

  partsOf(index: number): readonly string[] | null {
    return this.parts.get(index) ?? null;
  }

  /** −1 for each channel of a picture whose ONNX value is the negative of TFLite's. */
  setSigns(index: number, signs: Float32Array): void {
    if (signs.some((one) => one < 0)) this.signs.set(index, signs);
  }

  /** Null where all channels are as TFLite has them. */
  signsOf(index: number): Float32Array | null {
    return this.signs.get(index) ?? null;
  }

  value(index: number): string {
    const value = this.values.get(index);
    if (value === undefined) throw new Error(`Tensor ${this.tensor(index).name} is used before it is made.`);
    return value;
  }
}

/** The operator's n-th input, which must be there. */
export function input(op: TfliteOp, n: number): number {
  const index = op.inputs[n];
  if (index === undefined || index < 0) throw new Error(`A ${op.type} lacks its input ${n}.`);
  return index;
}

export function output(op: TfliteOp): number {
  const index = op.outputs[0];
  if (index === undefined) throw new Error(`A ${op.type} has no output.`);
  return index;
}

/** Dimension `n` of a shape that must have it. */
export function dim(shape: number[], n: number): number {
  const size = shape[n];
  if (size === undefined) throw new Error(`A shape of rank above ${n} was expected, found [${shape.join(', ')}].`);
  return size;
}
