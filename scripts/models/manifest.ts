import { createHash } from 'node:crypto';
import { SOURCES, type Source } from './sources.ts';

interface Port {
  name: string;
  shape: number[];
  /** What the numbers mean and where they lie. */
  values: string;
}

interface Entry {
  name: string;
  file: string;
  source: Source;
  opset?: number;
  inputs: Port[];
  outputs: Port[];
  card?: string;
}

const PICTURE = [1, 3, 192, 192];

/** The files of models/perception that the converter makes, and how they are used. */
export const ENTRIES: Entry[] = [
  {
    name: 'face-detection-full-range',
    file: 'face-detection-full-range.onnx',
    card: 'face-detection-full-range.CARD.md',
    source: SOURCES.detector,
    opset: 16,
    inputs: [{ name: 'input', shape: PICTURE, values: 'float32, planes R, G, B, each -1 (black) to 1 (white)' }],
    outputs: [
      {
        name: 'regressors',
        shape: [1, 2304, 16],
        values:
          'float32, pixels of the 192 px input, for each cell of a 48×48 grid (row by row): box centre x, y from the cell centre, box width, height, then 6 × (x, y) from the cell centre: right eye, left eye, nose tip, mouth, right ear, left ear (the performer’s own right and left)',
      },
      { name: 'scores', shape: [1, 2304, 1], values: 'float32 logits: 1 / (1 + exp(-score)) is the probability' },
    ],
  },
  {
    name: 'face-landmarks-478',
    file: 'face-landmarks-478.onnx',
    card: 'face-landmarks-478.CARD.md',
    source: SOURCES.landmarks,
    opset: 16,
    inputs: [{ name: 'input', shape: PICTURE, values: 'float32, planes R, G, B, each 0 (black) to 1 (white)' }],
    outputs: [
      {
        name: 'landmarks',
        shape: [1, 478, 3],
        values:
          'float32, pixels of the 192 px crop, x to the right, y down, z in the same unit, smaller is nearer the camera; the points of the MediaPipe face mesh with lips, eyes and irises refined; 468–472 the performer’s right iris (centre, then rim), 473–477 the left',
      },
      { name: 'presence', shape: [1, 1], values: 'float32 probability 0–1 that the crop holds a face' },
    ],
  },
  {
    name: 'face-mesh',
    file: 'face-mesh.json',
    source: SOURCES.canonicalMesh,
    inputs: [],
    outputs: [],
  },
];

export function buildManifest(files: Map<string, Uint8Array>): unknown {
  const models = ENTRIES.map((entry) => {
    const bytes = files.get(entry.file);
    if (bytes === undefined) throw new Error(`The manifest names ${entry.file}, which was not made.`);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const { name, file, card, source, ...rest } = entry;
    return {
      name,
      file,
      ...(card ? { card } : {}),
      bytes: bytes.length,
      sha256,
      licence: 'Apache-2.0',
      source,
      ...rest,
    };
  });
  return { format: 1, licenceFile: 'LICENSE', generator: 'scripts/models/convert.ts', models };
}
