import type { Arena } from '../frame/arena.ts';
import type { Handle, OrtLibrary } from './ort-library.ts';
import type { BoundTensor } from './session.ts';

const FLOAT32 = 1;

export interface TensorShape {
  name: string;
  dims: number[];
}

/** Names and shapes of a session's inputs or outputs; a size that the model leaves open is below 1. @throws Error where one is not float32. */
export function describe(ort: OrtLibrary, session: Handle, kind: 'Input' | 'Output', model: string): TensorShape[] {
  const { calls } = ort;
  const count = kind === 'Input' ? calls.SessionGetInputCount : calls.SessionGetOutputCount;
  const nameOf = kind === 'Input' ? calls.SessionGetInputName : calls.SessionGetOutputName;
  const typeOf = kind === 'Input' ? calls.SessionGetInputTypeInfo : calls.SessionGetOutputTypeInfo;
  const allocator = ort.out((at) => calls.GetAllocatorWithDefaultOptions(at));
  const total = Number(ort.out((at) => count(session, at)));
  return Array.from({ length: total }, (_, index) => {
    const name = ort.takeString(
      ort.out((at) => nameOf(session, index, allocator, at)),
      allocator,
    );
    const info = ort.out((at) => typeOf(session, index, at));
    try {
      return { name, dims: shapeOf(ort, info, model, name) };
    } finally {
      ort.release('ReleaseTypeInfo', info);
    }
  });
}

function shapeOf(ort: OrtLibrary, info: Handle, model: string, tensor: string): number[] {
  const view = ort.out((at) => ort.calls.CastTypeInfoToTensorInfo(info, at));
  const rank = Number(ort.out((at) => ort.calls.GetDimensionsCount(view, at)));
  const dims = new BigInt64Array(rank);
  ort.check(ort.calls.GetDimensions(view, dims, rank));
  const type = new Int32Array(1);
  ort.check(ort.calls.GetTensorElementType(view, type));
  if (type[0] !== FLOAT32)
    throw new Error(
      `The model ${model} has a tensor "${tensor}" that is not float32: export it with float32 inputs and outputs.`,
    );
  return [...dims].map(Number);
}

/** @throws Error where a tensor's size is open. */
export function closed(shape: TensorShape, model: string): TensorShape {
  if (shape.dims.every((size) => size >= 1)) return shape;
  throw new Error(
    `The model ${model} has a tensor "${shape.name}" of changing size (${shape.dims.join('×')}): export it with fixed shapes.`,
  );
}

/** An input whose first size is open takes a batch of one. */
export const batchOfOne = ({ name, dims: [first = 1, ...rest] }: TensorShape): TensorShape => ({
  name,
  dims: [first < 1 ? 1 : first, ...rest],
});

/** Takes kernel memory for a tensor. */
export function reserve(arena: Arena, { name, dims }: TensorShape): BoundTensor {
  const length = dims.reduce((product, size) => product * size, 1);
  const at = arena.allocate(length * 4);
  return { name, dims, at, data: arena.floats(at, length) };
}

/** An OrtValue over a tensor's kernel memory. The caller releases it, before the memory. */
export function tensorValue(ort: OrtLibrary, memory: Handle, { data, dims }: BoundTensor): Handle {
  const shape = BigInt64Array.from(dims.map(BigInt));
  return ort.out((at) =>
    ort.calls.CreateTensorWithDataAsOrtValue(memory, data, data.byteLength, shape, dims.length, FLOAT32, at),
  );
}
