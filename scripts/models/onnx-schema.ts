import protobuf from 'protobufjs';

/**
 * The part of onnx.proto that a converted model needs; field numbers as published at
 * github.com/onnx/onnx/blob/main/onnx/onnx.proto.
 */
const schema = protobuf.Root.fromJSON({
  nested: {
    ModelProto: {
      fields: {
        irVersion: { id: 1, type: 'int64' },
        producerName: { id: 2, type: 'string' },
        producerVersion: { id: 3, type: 'string' },
        docString: { id: 6, type: 'string' },
        graph: { id: 7, type: 'GraphProto' },
        opsetImport: { id: 8, rule: 'repeated', type: 'OperatorSetIdProto' },
        metadataProps: { id: 14, rule: 'repeated', type: 'StringStringEntryProto' },
      },
    },
    OperatorSetIdProto: { fields: { domain: { id: 1, type: 'string' }, version: { id: 2, type: 'int64' } } },
    StringStringEntryProto: { fields: { key: { id: 1, type: 'string' }, value: { id: 2, type: 'string' } } },
    GraphProto: {
      fields: {
        node: { id: 1, rule: 'repeated', type: 'NodeProto' },
        name: { id: 2, type: 'string' },
        initializer: { id: 5, rule: 'repeated', type: 'TensorProto' },
        input: { id: 11, rule: 'repeated', type: 'ValueInfoProto' },
        output: { id: 12, rule: 'repeated', type: 'ValueInfoProto' },
      },
    },
    NodeProto: {
      fields: {
        input: { id: 1, rule: 'repeated', type: 'string' },
        output: { id: 2, rule: 'repeated', type: 'string' },
        name: { id: 3, type: 'string' },
        opType: { id: 4, type: 'string' },
        attribute: { id: 5, rule: 'repeated', type: 'AttributeProto' },
      },
    },
    AttributeProto: {
      fields: {
        name: { id: 1, type: 'string' },
        i: { id: 3, type: 'int64' },
        s: { id: 4, type: 'bytes' },
        ints: { id: 8, rule: 'repeated', type: 'int64' },
        type: { id: 20, type: 'int32' },
      },
    },
    TensorProto: {
      fields: {
        dims: { id: 1, rule: 'repeated', type: 'int64' },
        dataType: { id: 2, type: 'int32' },
        name: { id: 8, type: 'string' },
        rawData: { id: 9, type: 'bytes' },
      },
    },
    ValueInfoProto: { fields: { name: { id: 1, type: 'string' }, type: { id: 2, type: 'TypeProto' } } },
    TypeProto: { fields: { tensorType: { id: 1, type: 'TensorTypeProto' } } },
    TensorTypeProto: { fields: { elemType: { id: 1, type: 'int32' }, shape: { id: 2, type: 'TensorShapeProto' } } },
    TensorShapeProto: { fields: { dim: { id: 1, rule: 'repeated', type: 'DimensionProto' } } },
    DimensionProto: { fields: { dimValue: { id: 1, type: 'int64' }, dimParam: { id: 2, type: 'string' } } },
  },
});

export const ATTRIBUTE_INT = 2;
export const ATTRIBUTE_STRING = 3;
export const ATTRIBUTE_INTS = 7;
export const TYPE_FLOAT = 1;
export const TYPE_UINT8 = 2;
export const TYPE_INT64 = 7;

/** Fields are written in the order of their numbers, so equal models give equal bytes. */
export function encodeModel(model: Record<string, unknown>): Uint8Array {
  const type = schema.lookupType('ModelProto');
  const problem = type.verify(model);
  if (problem !== null) throw new Error(`The ONNX model does not fit its schema: ${problem}.`);
  return type.encode(type.fromObject(model)).finish();
}

/** A tensor of a model's graph that is constant; `rawData` little endian. */
export interface StoredTensor {
  name: string;
  dims: (number | { toString(): string })[];
  dataType: number;
  rawData: Uint8Array;
}

export interface StoredNode {
  opType: string;
  input: string[];
  output: string[];
}

/** A model as `encodeModel` takes it again; whatever the schema above does not name is lost. @throws Error where the bytes are no model. */
export function decodeModel(
  bytes: Uint8Array,
): Record<string, unknown> & { graph: { initializer: StoredTensor[]; node: StoredNode[]; output: object[] } } {
  return schema.lookupType('ModelProto').decode(bytes) as unknown as ReturnType<typeof decodeModel>;
}
