import { decodeModel, encodeModel, type StoredNode, type StoredTensor, TYPE_FLOAT } from '../models/onnx-schema.ts';

/** The layer of a learned double's network (server/double/learned.ts) that says what is added to R, G, B. */
export interface LastLayer {
  channels: number;
  /** Square, odd, zero padded. */
  kernel: number;
  /** The network with one more output, `features` 1 × channels × rows × columns: what the layer is given. */
  opened: Uint8Array;
  /**
   * The network with something added to that layer.
   * @param weight 3 × channels × kernel². @param bias 3.
   */
  with(weight: Float64Array, bias: readonly number[], metadata: Record<string, string>): Uint8Array;
}

/** @param rows, columns the grid that the network answers on. Null where the network is not built like that. */
export function lastLayerOf(model: Uint8Array, rows: number, columns: number): LastLayer | null {
  const { graph, ...rest } = decodeModel(model);
  const { node, output } = graph;
  const maker = (value: string | undefined): StoredNode | undefined => node.find((one) => one.output[0] === value);
  const made = maker('change');
  // Where points are taken from, and what is added: of one layer, or of two that are joined.
  const last = made?.opType === 'Concat' ? maker(made.input[1]) : made;
  const stored = (name: string | undefined): StoredTensor | undefined =>
    graph.initializer.find((tensor) => tensor.name === name && tensor.dataType === TYPE_FLOAT);
  const [weight, bias] = [stored(last?.input[1]), stored(last?.input[2])];
  if (last?.opType !== 'Conv' || !weight || !bias) return null;
  const [outputs, channels, kernel] = weight.dims.map(Number) as [number, number, number];
  const before = last === made ? PLACES : 0;
  if (outputs !== before + 3 || kernel % 2 === 0) return null;
  return {
    channels,
    kernel,
    opened: encodeModel({
      ...rest,
      graph: {
        ...graph,
        node: renamed(node, last.input[0]!, FEATURES),
        output: [...output, { name: FEATURES, type: floats([1, channels, rows, columns]) }],
      },
    }),
    with(moreWeight, moreBias, metadata) {
      const initializer = graph.initializer.map((tensor) =>
        tensor === weight
          ? added(tensor, moreWeight, before * channels * kernel ** 2)
          : tensor === bias
            ? added(tensor, moreBias, before)
            : tensor,
      );
      const metadataProps = Object.entries(metadata).map(([key, value]) => ({ key, value }));
      return encodeModel({ ...rest, graph: { ...graph, initializer }, metadataProps });
    },
  };
}

const FEATURES = 'features';
/** x and y, from where a point is taken, come before R, G, B. */
const PLACES = 2;

const floats = (dims: readonly number[]) => ({
  tensorType: { elemType: TYPE_FLOAT, shape: { dim: dims.map((dimValue) => ({ dimValue })) } },
});

/** A value takes another name wherever it is made or used. */
function renamed(nodes: readonly StoredNode[], value: string, name: string): StoredNode[] {
  const rename = (names: readonly string[]): string[] => names.map((one) => (one === value ? name : one));
  return nodes.map((node) => ({ ...node, input: rename(node.input), output: rename(node.output) }));
}

/** @param from the first number that something is added to. */
function added(tensor: StoredTensor, more: ArrayLike<number>, from: number): StoredTensor {
  const values = new Float32Array(Uint8Array.from(tensor.rawData).buffer);
  for (let i = 0; i < more.length; i++) values[from + i]! += more[i]!;
  return { ...tensor, rawData: new Uint8Array(values.buffer) };
}
