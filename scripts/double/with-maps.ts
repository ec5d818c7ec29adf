import { decodeModel, encodeModel, type StoredTensor } from '../models/onnx-schema.ts';
import type { TextureMaps } from './mesh-graph.ts';

/**
 * A textured double's network with another's texture and normals in it: the same graph, the same trained weights, another face.
 * @param model of kind `mesh` or `learned`, with maps of the same sizes.
 * @throws Error with a sentence where it holds no such maps.
 */
export function withMaps(model: Uint8Array, maps: TextureMaps, metadata: Record<string, string>): Uint8Array {
  const { graph, ...rest } = decodeModel(model);
  put(graph.initializer, [1, 4, maps.side, maps.side], maps.texture);
  put(graph.initializer, [1, 3, maps.normalSide, maps.normalSide], maps.normals);
  const metadataProps = Object.entries(metadata).map(([key, value]) => ({ key, value }));
  return encodeModel({ ...rest, graph, metadataProps });
}

function put(tensors: readonly StoredTensor[], dims: readonly number[], values: Float32Array): void {
  const found = tensors.filter((tensor) => tensor.dims.join('×') === dims.join('×'));
  if (found.length !== 1)
    throw new Error(
      `The network to begin from holds ${found.length} maps of ${dims.join('×')} where it should hold one: name a textured double that this version built.`,
    );
  found[0]!.rawData = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
