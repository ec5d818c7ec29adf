import { type Moment, perspective, SUPERSAMPLE } from './frame.ts';
import type { Part } from './head.ts';
import type { Extra } from './head-view.ts';
import { faceMiddle } from './moments.ts';
import type { Occluder } from './occluders.ts';
import type { Poser } from './pose.ts';
import type { Projected } from './raster.ts';
import { createLight, type LightInput, type Material, type Shader, type Surface } from './shade.ts';

/** Places an occluder for one moment: posed with the skull or standing on the set, projected into samples. */
export function placeOccluder(o: Occluder, moment: Moment, poser: Poser, width: number, height: number): Extra {
  const points = Float32Array.from(o.solid.points);
  const normals = Float32Array.from(o.solid.normals);
  const n = points.length / 3;
  if (o.on === 'skull') {
    const tips = points.map((v, i) => v + 0.01 * normals[i]!);
    poser.rigid(points, moment.pose);
    poser.rigid(tips, moment.pose);
    for (let i = 0; i < normals.length; i++) normals[i] = (tips[i]! - points[i]!) / 0.01;
  } else {
    const [x, y] = faceMiddle(moment.pose);
    for (let i = 0; i < points.length; i += 3) {
      points[i] = points[i]! + x + o.offset[0];
      points[i + 1] = points[i + 1]! + y + o.offset[1];
      points[i + 2] = points[i + 2]! + o.offset[2];
    }
  }
  const view: Projected = {
    x: new Float32Array(n),
    y: new Float32Array(n),
    near: new Float32Array(n),
    perspective: true,
  };
  perspective(points, view, width * SUPERSAMPLE, height * SUPERSAMPLE, moment.camera);
  const { triangles } = o.solid;
  // Only its triangles are used: it has no texture and is shaded by its own shader.
  const part: Part = { name: 'garment', first: 0, count: n, triangles, corners: triangles, uvs: new Float32Array(0) };
  return {
    part,
    points,
    view,
    shader: (camera, lighting, shadow, penumbra) =>
      solidShader(o, points, normals, { camera, lighting, shadow, penumbra }),
  };
}

function solidShader(o: Occluder, points: Float32Array, normals: Float32Array, input: LightInput): Shader {
  const light = createLight(input);
  const s: Surface = { p: [0, 0, 0], n: [0, 0, 0], rest: [0, 0, 0], ao: 0.9, u: 0, v: 0 };
  const flesh = o.kind === 'hand';
  const m: Material = {
    albedo: [0, 0, 0],
    wrap: flesh ? [0.34, 0.17, 0.1] : [0.1, 0.1, 0.1],
    rough: flesh ? 0.55 : 0.35,
    f0: flesh ? 0.028 : 0.05,
    sheen: 0,
  };
  const { colours } = o.solid;
  return (part, t, b1, b2, out) => {
    const [a, b, c] = [3 * part.triangles[3 * t]!, 3 * part.triangles[3 * t + 1]!, 3 * part.triangles[3 * t + 2]!];
    const b0 = 1 - b1 - b2;
    for (let k = 0; k < 3; k++) {
      s.p[k] = points[a + k]! * b0 + points[b + k]! * b1 + points[c + k]! * b2;
      s.n[k] = normals[a + k]! * b0 + normals[b + k]! * b1 + normals[c + k]! * b2;
      m.albedo[k] = colours[a + k]! * b0 + colours[b + k]! * b1 + colours[c + k]! * b2;
    }
    const l = 1 / (Math.sqrt(s.n[0] * s.n[0] + s.n[1] * s.n[1] + s.n[2] * s.n[2]) || 1);
    for (let k = 0; k < 3; k++) s.n[k] = s.n[k]! * l;
    out[3] = 1;
    light(flesh ? 'skin' : 'garment', s, m, out);
  };
}
