/** A polygon mesh as read from Wavefront OBJ text. Faces keep their corners: point and texture indices, and their group. */
export interface ObjMesh {
  /** xyz triples. */
  points: Float32Array;
  /** uv pairs, v upwards. */
  uvs: Float32Array;
  faces: ObjFace[];
}

export interface ObjFace {
  points: number[];
  uvs: number[];
  group: string;
}

/** Reads v, vt, g and f lines; everything else is skipped. Corners without a texture index get -1. */
export function parseObj(text: string): ObjMesh {
  const points: number[] = [];
  const uvs: number[] = [];
  const faces: ObjFace[] = [];
  let group = '';
  for (const line of text.split('\n')) {
    const word = line.trim().split(/\s+/);
    if (word[0] === 'v') points.push(Number(word[1]), Number(word[2]), Number(word[3]));
    else if (word[0] === 'vt') uvs.push(Number(word[1]), Number(word[2]));
    else if (word[0] === 'g') group = word[1] ?? '';
    else if (word[0] === 'f') faces.push(parseFace(word.slice(1), group));
  }
  return { points: Float32Array.from(points), uvs: Float32Array.from(uvs), faces };
}

function parseFace(corners: string[], group: string): ObjFace {
  const face: ObjFace = { points: [], uvs: [], group };
  for (const corner of corners) {
    const [p, t] = corner.split('/');
    face.points.push(Number(p) - 1);
    face.uvs.push(t ? Number(t) - 1 : -1);
  }
  return face;
}

/** How a proxy mesh (hair, teeth, …) hangs on the base mesh: three base points, their weights and an offset per vertex. */
export interface ProxyBinding {
  refs: Uint32Array;
  weights: Float32Array;
  offsets: Float32Array;
  /** Offsets are in units of the distance between two base points along each axis, divided by `length`. */
  scale: Record<'x' | 'y' | 'z', { a: number; b: number; length: number } | null>;
}

/** Reads a MakeHuman clothes file (.mhclo). */
export function parseProxy(text: string): ProxyBinding {
  const refs: number[] = [];
  const weights: number[] = [];
  const offsets: number[] = [];
  const scale: ProxyBinding['scale'] = { x: null, y: null, z: null };
  for (const line of text.split('\n')) {
    const word = line.trim().split(/\s+/);
    const axis = /^([xyz])_scale$/.exec(word[0] ?? '')?.[1] as 'x' | 'y' | 'z' | undefined;
    if (axis) scale[axis] = { a: Number(word[1]), b: Number(word[2]), length: Number(word[3]) };
    else if (/^\d+$/.test(word[0] ?? '') && word.length >= 9) {
      refs.push(Number(word[0]), Number(word[1]), Number(word[2]));
      weights.push(Number(word[3]), Number(word[4]), Number(word[5]));
      offsets.push(Number(word[6]), Number(word[7]), Number(word[8]));
    } else if (/^\d+$/.test(word[0] ?? '') && word.length === 1) {
      refs.push(Number(word[0]), 0, 0);
      weights.push(1, 0, 0);
      offsets.push(0, 0, 0);
    } else if (word[0] === 'delete_verts') break;
  }
  return {
    refs: Uint32Array.from(refs),
    weights: Float32Array.from(weights),
    offsets: Float32Array.from(offsets),
    scale,
  };
}

/** A sparse displacement of base points. */
export interface Target {
  index: Uint32Array;
  delta: Float32Array;
}

/** Reads a MakeHuman .target file: `point dx dy dz` a line. */
export function parseTarget(text: string): Target {
  const index: number[] = [];
  const delta: number[] = [];
  for (const line of text.split('\n')) {
    if (!/^\s*\d/.test(line)) continue;
    const word = line.trim().split(/\s+/);
    index.push(Number(word[0]));
    delta.push(Number(word[1]), Number(word[2]), Number(word[3]));
  }
  return { index: Uint32Array.from(index), delta: Float32Array.from(delta) };
}
