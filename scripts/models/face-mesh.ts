import { FaceLandmarker } from '@mediapipe/tasks-vision';
import protobuf from 'protobufjs';

/** Closed outlines, in order around the shape; the first point is not repeated. */
export interface Outlines {
  oval: number[];
  lips: { outer: number[]; inner: number[] };
  leftEye: number[];
  rightEye: number[];
  leftBrow: number[];
  rightBrow: number[];
  /** Centre first, then the four points of the rim. */
  leftIris: number[];
  rightIris: number[];
}

type Triangle = [a: number, b: number, c: number];

/** What models/perception/face-mesh.json holds. "Left" and "right" are the performer's own. */
export interface FaceMesh extends Outlines {
  /**
   * 852 triples of point numbers below 468: the skin and lips, with holes for eyes and mouth. Wound
   * counter-clockwise as the camera sees the face (y down: `(b − a) × (c − a)` is negative where it faces the camera).
   */
  triangles: Triangle[];
  /** The triangles that close those holes, wound alike. */
  openings: Record<'leftEye' | 'rightEye' | 'mouth', Triangle[]>;
  /** 468 × (u, v), 0–1, v downwards: MediaPipe's canonical texture layout. */
  uv: [u: number, v: number][];
  /** 468 × (x, y, z) in centimetres, MediaPipe's canonical neutral face: x to the performer's left, y up, z to the camera. */
  positions: [x: number, y: number, z: number][];
  /** Points and weights of the rigid alignment that MediaPipe's pose estimation uses. */
  rigid: { point: number; weight: number }[];
}

/** mediapipe/modules/face_geometry/protos/{geometry_pipeline_metadata,mesh_3d}.proto, the fields that are used. */
const schema = protobuf.Root.fromJSON({
  nested: {
    GeometryPipelineMetadata: {
      fields: {
        canonicalMesh: { id: 1, type: 'Mesh3d' },
        procrustesLandmarkBasis: { id: 2, rule: 'repeated', type: 'WeightedLandmarkRef' },
      },
    },
    WeightedLandmarkRef: { fields: { landmarkId: { id: 1, type: 'uint32' }, weight: { id: 2, type: 'float' } } },
    Mesh3d: {
      fields: {
        vertexBuffer: { id: 3, rule: 'repeated', type: 'float' },
        indexBuffer: { id: 4, rule: 'repeated', type: 'uint32' },
      },
    },
  },
});

interface GeometryPipelineMetadata {
  canonicalMesh: { vertexBuffer: number[]; indexBuffer: number[] };
  procrustesLandmarkBasis: { landmarkId: number; weight: number }[];
}

const VERTEX_FLOATS = 5;

/** @param metadata MediaPipe's geometry_pipeline_metadata_landmarks.binarypb. */
export function buildFaceMesh(metadata: Uint8Array): FaceMesh {
  const decoded: unknown = schema.lookupType('GeometryPipelineMetadata').decode(metadata);
  const { canonicalMesh, procrustesLandmarkBasis } = decoded as GeometryPipelineMetadata;
  const { vertexBuffer, indexBuffer } = canonicalMesh;
  const vertices = chunks(vertexBuffer, VERTEX_FLOATS);
  const outlines = readOutlines();
  const rims = [outlines.leftEye, outlines.rightEye, outlines.lips.inner].map((rim) => new Set(rim));
  const rimOf = (triangle: number[]) => rims.findIndex((rim) => triangle.every((point) => rim.has(point)));
  const triangles = chunks(indexBuffer, 3) as Triangle[];
  const closing = (rim: number) => triangles.filter((triangle) => rimOf(triangle) === rim);
  return {
    triangles: closing(-1),
    openings: { leftEye: closing(0), rightEye: closing(1), mouth: closing(2) },
    uv: vertices.map(([, , , u = 0, v = 0]) => [round(u), round(v)]),
    positions: vertices.map(([x = 0, y = 0, z = 0]) => [round(x), round(y), round(z)]),
    rigid: procrustesLandmarkBasis.map(({ landmarkId, weight }) => ({ point: landmarkId, weight: round(weight) })),
    ...outlines,
  };
}

function readOutlines(): Outlines {
  const [outer = [], inner = []] = closedLoops(FaceLandmarker.FACE_LANDMARKS_LIPS, 2);
  return {
    oval: loop(FaceLandmarker.FACE_LANDMARKS_FACE_OVAL),
    lips: { outer, inner },
    leftEye: loop(FaceLandmarker.FACE_LANDMARKS_LEFT_EYE),
    rightEye: loop(FaceLandmarker.FACE_LANDMARKS_RIGHT_EYE),
    leftBrow: brow(FaceLandmarker.FACE_LANDMARKS_LEFT_EYEBROW),
    rightBrow: brow(FaceLandmarker.FACE_LANDMARKS_RIGHT_EYEBROW),
    leftIris: iris(FaceLandmarker.FACE_LANDMARKS_LEFT_IRIS),
    rightIris: iris(FaceLandmarker.FACE_LANDMARKS_RIGHT_IRIS),
  };
}

interface Edge {
  start: number;
  end: number;
}

/** MediaPipe lists outlines as edges, some of them backwards: walk each from its first edge. */
function walks(edges: Edge[]): number[][] {
  const left = new Set(edges);
  const found: number[][] = [];
  for (const first of edges) {
    if (!left.delete(first)) continue;
    const walk = [first.start, first.end];
    for (;;) {
      const tip = walk.at(-1);
      const next = [...left].find((edge) => edge.start === tip || edge.end === tip);
      if (next === undefined) break;
      left.delete(next);
      walk.push(next.start === tip ? next.end : next.start);
    }
    found.push(walk);
  }
  return found;
}

/** @throws Error unless the edges form `count` closed outlines. */
export function closedLoops(edges: Edge[], count: number): number[][] {
  const loops = walks(edges);
  if (loops.length !== count || loops.some((loop) => loop[0] !== loop.at(-1))) {
    throw new Error(`MediaPipe's outline should be ${count} closed loops and is ${loops.length} walks.`);
  }
  return loops.map((loop) => loop.slice(0, -1));
}

function loop(edges: Edge[]): number[] {
  return closedLoops(edges, 1)[0] ?? [];
}

/** MediaPipe lists a brow's lower and upper line, both from the temple inwards: in along one, back along the other. */
function brow(edges: Edge[]): number[] {
  const [lower, upper] = walks(edges);
  if (lower === undefined || upper === undefined) throw new Error("MediaPipe's brow should be two lines.");
  return [...lower, ...upper.toReversed()];
}

/** MediaPipe numbers an iris centre, then rim; its edge list holds the rim only. */
function iris(edges: Edge[]): number[] {
  const rim = loop(edges);
  return [Math.min(...rim) - 1, ...rim];
}

function chunks(values: number[], size: number): number[][] {
  return Array.from({ length: values.length / size }, (_, i) => values.slice(i * size, (i + 1) * size));
}

/** The source holds float32 of six-digit decimals; the digits beyond are noise. */
function round(value: number): number {
  return Number(value.toFixed(6));
}
