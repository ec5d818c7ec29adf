import { Builder } from 'flatbuffers';

/**
 * Adds to a TensorFlow Lite model what MediaPipe's task interface asks for and the npm package's file lacks: metadata that says how
 * the input is normalised (value/127.5 − 1, as in face_detection_short_range's own graph). Nothing of the network is changed.
 *
 * A FlatBuffer's references are forward offsets relative to where they stand. So the old file stays as it is, behind a new
 * root table whose fields point into it.
 * Field numbers: tensorflow/lite/schema/schema.fbs (Model, Buffer, Metadata) and metadata_schema.fbs.
 */
export function withMetadata(model: Uint8Array): Uint8Array {
  const old = new DataView(model.buffer, model.byteOffset, model.byteLength);
  const root = old.getUint32(0, true);
  const vtable = root - old.getInt32(root, true);
  const slots = (old.getUint16(vtable, true) - 4) / 2;
  const field = (slot: number) => {
    const at = slot < slots ? old.getUint16(vtable + 4 + slot * 2, true) : 0;
    return at === 0 ? null : root + at;
  };
  /** Where a field's vector or table stands in the old file. */
  const target = (slot: number) => {
    const at = field(slot);
    return at === null ? null : at + old.getUint32(at, true);
  };
  const versionAt = field(MODEL.version);
  const buffersAt = target(MODEL.buffers);
  if (versionAt === null || buffersAt === null)
    throw new Error('The TensorFlow Lite model has no version or no buffers.');
  const bufferCount = old.getUint32(buffersAt, true);

  const head = new HeadWriter(bufferCount + 1);
  head.reference(MODEL.operatorCodes, target(MODEL.operatorCodes));
  head.reference(MODEL.subgraphs, target(MODEL.subgraphs));
  head.reference(MODEL.description, target(MODEL.description));
  head.version(old.getUint32(versionAt, true));
  for (let index = 0; index < bufferCount; index++) {
    const at = buffersAt + 4 + index * 4;
    head.oldBuffer(index, at + old.getUint32(at, true));
  }
  head.metadata(bufferCount, normalisation());
  return head.before(model);
}

const MODEL = {
  version: 0,
  operatorCodes: 1,
  subgraphs: 2,
  description: 3,
  buffers: 4,
  metadataBuffer: 5,
  metadata: 6,
} as const;
const MODEL_SLOTS = 7;
/** Alignment that FlatBuffers gives tensor data; the old file moves by a multiple of it. */
const ALIGN = 16;

/** Writes the new root table, the buffer list and the metadata entry, in that order, in front of the old file. */
class HeadWriter {
  static readonly #rootAt = 8 + 4 + MODEL_SLOTS * 2 + 2;
  readonly #buffersAt = HeadWriter.#rootAt + 4 + MODEL_SLOTS * 4;
  readonly #bufferCount: number;
  readonly #references: { at: number; oldTarget: number }[] = [];
  #version = 0;
  #bytes: Uint8Array = new Uint8Array(0);

  constructor(bufferCount: number) {
    this.#bufferCount = bufferCount;
  }

  #slotAt(slot: number): number {
    return HeadWriter.#rootAt + 4 + slot * 4;
  }

  reference(slot: number, oldTarget: number | null): void {
    if (oldTarget !== null) this.#references.push({ at: this.#slotAt(slot), oldTarget });
  }

  version(version: number): void {
    this.#version = version;
  }

  oldBuffer(index: number, oldTarget: number): void {
    this.#references.push({ at: this.#buffersAt + 4 + index * 4, oldTarget });
  }

  metadata(index: number, content: Uint8Array): void {
    this.#bytes = content;
    if (index !== this.#bufferCount - 1) throw new Error('The metadata is the last buffer.');
  }

  before(model: Uint8Array): Uint8Array {
    const name = new TextEncoder().encode('TFLITE_METADATA\0');
    const align = (at: number) => Math.ceil(at / ALIGN) * ALIGN;
    const listAt = this.#buffersAt + 4 + this.#bufferCount * 4;
    const entryVtableAt = listAt + 8;
    const entryAt = entryVtableAt + 8;
    const nameAt = entryAt + 12;
    const bufferVtableAt = nameAt + 4 + name.length;
    const bufferAt = bufferVtableAt + 8;
    const contentAt = align(bufferAt + 8 + 4) - 4;
    const oldAt = align(contentAt + 4 + this.#bytes.length);
    const bytes = new Uint8Array(oldAt + model.length);
    const out = new DataView(bytes.buffer);
    const u32 = (at: number, value: number) => out.setUint32(at, value, true);
    const u16 = (at: number, value: number) => out.setUint16(at, value, true);
    const point = (at: number, to: number) => u32(at, to - at);

    point(0, HeadWriter.#rootAt);
    bytes.set(model.subarray(4, 8), 4);
    // Root vtable: its size, the table's size, then each field's place in the table; 0 where a field is left out.
    u16(8, 4 + MODEL_SLOTS * 2);
    u16(10, 4 + MODEL_SLOTS * 4);
    u32(HeadWriter.#rootAt, HeadWriter.#rootAt - 8);
    const slot = (index: number) => u16(12 + index * 2, 4 + index * 4);
    slot(MODEL.version);
    u32(this.#slotAt(MODEL.version), this.#version);
    for (const { at, oldTarget } of this.#references) point(at, oldAt + oldTarget);
    for (const used of [MODEL.operatorCodes, MODEL.subgraphs, MODEL.description]) {
      if (this.#references.some(({ at }) => at === this.#slotAt(used))) slot(used);
    }
    slot(MODEL.buffers);
    point(this.#slotAt(MODEL.buffers), this.#buffersAt);
    u32(this.#buffersAt, this.#bufferCount);
    slot(MODEL.metadata);
    point(this.#slotAt(MODEL.metadata), listAt);
    // One Metadata entry: name and buffer number.
    u32(listAt, 1);
    point(listAt + 4, entryAt);
    u16(entryVtableAt, 8);
    u16(entryVtableAt + 2, 12);
    u16(entryVtableAt + 4, 4);
    u16(entryVtableAt + 6, 8);
    u32(entryAt, entryAt - entryVtableAt);
    point(entryAt + 4, nameAt);
    u32(entryAt + 8, this.#bufferCount - 1);
    u32(nameAt, name.length - 1);
    bytes.set(name, nameAt + 4);
    // The Buffer that holds the metadata.
    point(this.#buffersAt + this.#bufferCount * 4, bufferAt);
    u16(bufferVtableAt, 6);
    u16(bufferVtableAt + 2, 8);
    u16(bufferVtableAt + 4, 4);
    u32(bufferAt, bufferAt - bufferVtableAt);
    point(bufferAt + 4, contentAt);
    u32(contentAt, this.#bytes.length);
    bytes.set(this.#bytes, contentAt + 4);
    bytes.set(model, oldAt);
    return bytes;
  }
}

/** ModelMetadata with one subgraph, whose one input is an RGB image normalised by mean and std 127.5. */
function normalisation(): Uint8Array {
  const b = new Builder(512);
  const mean = floats(b, [127.5]);
  const std = floats(b, [127.5]);
  b.startObject(2); // NormalizationOptions: mean, std
  b.addFieldOffset(0, mean, 0);
  b.addFieldOffset(1, std, 0);
  const options = b.endObject();
  b.startObject(2); // ProcessUnit: options_type (1 = NormalizationOptions), options
  b.addFieldInt8(0, 1, 0);
  b.addFieldOffset(1, options, 0);
  const unit = b.endObject();
  const units = offsets(b, [unit]);
  b.startObject(2); // ImageProperties: color_space (1 = RGB), default_size
  b.addFieldInt8(0, 1, 0);
  const image = b.endObject();
  b.startObject(3); // Content: content_properties_type (2 = ImageProperties), content_properties, range
  b.addFieldInt8(0, 2, 0);
  b.addFieldOffset(1, image, 0);
  const content = b.endObject();
  const inputName = b.createString('image');
  b.startObject(7); // TensorMetadata: name, description, dimension_names, content, process_units, stats, associated_files
  b.addFieldOffset(0, inputName, 0);
  b.addFieldOffset(3, content, 0);
  b.addFieldOffset(4, units, 0);
  const input = b.endObject();
  const inputs = offsets(b, [input]);
  const outputs = offsets(
    b,
    ['regressors', 'classificators'].map((text) => {
      const name = b.createString(text);
      b.startObject(7);
      b.addFieldOffset(0, name, 0);
      return b.endObject();
    }),
  );
  b.startObject(4); // SubGraphMetadata: name, description, input_tensor_metadata, output_tensor_metadata
  b.addFieldOffset(2, inputs, 0);
  b.addFieldOffset(3, outputs, 0);
  const subgraphs = offsets(b, [b.endObject()]);
  const name = b.createString('face_detection_short_range');
  const licence = b.createString('Apache-2.0, The MediaPipe Authors');
  b.startObject(8); // ModelMetadata: name, description, version, subgraph_metadata, author, license, associated_files, min_parser_version
  b.addFieldOffset(0, name, 0);
  b.addFieldOffset(3, subgraphs, 0);
  b.addFieldOffset(5, licence, 0);
  b.finish(b.endObject(), 'M001');
  return b.asUint8Array();
}

function floats(b: Builder, values: number[]): number {
  b.startVector(4, values.length, 4);
  for (const value of values.toReversed()) b.addFloat32(value);
  return b.endVector();
}

function offsets(b: Builder, values: number[]): number {
  b.startVector(4, values.length, 4);
  for (const value of values.toReversed()) b.addOffset(value);
  return b.endVector();
}
