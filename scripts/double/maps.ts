import sharp from 'sharp';
import { GUIDE_CHANNELS } from '../../server/double/template.ts';
import type { FaceMesh } from '../models/face-mesh.ts';
import { canonicalOf } from './face-mesh.ts';

type Point = readonly [number, number];

/** Blurs are given in texels of a texture of this side. */
const USUAL_SIDE = 320;

/** A double's texture as floats: R, G, B encoded 0–1 and alpha, planar, colour carried on into what the picture leaves transparent. */
export async function textureMap(
  png: Buffer,
  mesh: FaceMesh,
  uv: readonly Point[],
  side: number,
): Promise<Float32Array> {
  const { data, info } = await sharp(png).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  const opaque = await sharp(png).ensureAlpha().extractChannel(3).raw().toBuffer();
  const flat = Buffer.from(data);
  fillTransparent(flat, opaque, info.width, info.height);
  const rgb = await sharp(flat, { raw: { width: info.width, height: info.height, channels: 4 } })
    .removeAlpha()
    .resize(side, side, { kernel: 'lanczos3' })
    .raw()
    .toBuffer();
  const pixels = side * side;
  const map = new Float32Array(4 * pixels).fill(1);
  for (let i = 0; i < pixels; i++) for (let c = 0; c < 3; c++) map[c * pixels + i] = rgb[3 * i + c]! / 255;
  await warmHighlights(map, mesh, uv, side);
  await calmEyes(map, mesh, uv, side);
  // Openings read beyond the corner, which clamps to the first texel; the few around it take part when the map is made finer.
  for (let y = 0; y < 3; y++) map.fill(0, 3 * pixels + y * side, 3 * pixels + y * side + 3);
  return map;
}

/** Room above white, so that restored highlights fit into the guide's bytes; the light meter finds the level again. */
export const HEADROOM = 0.8;

/** How far a highlight's colour is pulled to that of the skin around it. */
const WARM = 0.85;

/**
 * Painted highlights are pale or have lost their red to clipping; under another light they would stand on the face as grey
 * patches. They keep their brightness and take the colour of the skin around them.
 */
async function warmHighlights(map: Float32Array, mesh: FaceMesh, uv: readonly Point[], side: number): Promise<void> {
  const pixels = side * side;
  const skin = Float32Array.from(await skinMap(mesh, uv, side), (value) => value / 255);
  const mean = [0, 1, 2].map((c) => {
    const plane = map.subarray(c * pixels, (c + 1) * pixels);
    return blurred(
      plane.map((value, i) => value * skin[i]!),
      side,
      22 * (side / USUAL_SIDE),
    );
  });
  for (let i = 0; i < pixels; i++) {
    const green = map[pixels + i]!;
    const around = Math.max(mean[1]![i]!, 1e-4);
    for (const c of [0, 2]) {
      const wanted = (green * mean[c]![i]!) / around;
      const at = c * pixels + i;
      // Red falls short in a highlight, blue is too high.
      const off = c === 0 ? Math.max(0, wanted - map[at]!) : Math.min(0, wanted - map[at]!);
      map[at]! += WARM * skin[i]! * off;
    }
  }
  for (let i = 0; i < 3 * pixels; i++) map[i]! *= HEADROOM;
}

/** How much of the lashes and shadows painted around the eyes goes: the performer's own eye brings its own. */
const CALM = 0.3;

/** Draws the skin around the eyes over the double's own lashes and eyes, which would smear when the performer's lids close. */
async function calmEyes(map: Float32Array, mesh: FaceMesh, uv: readonly Point[], side: number): Promise<void> {
  const pixels = side * side;
  const eyes = [mesh.leftEye, mesh.rightEye];
  const mask = async (shapes: number[][], grow: number, blur: number): Promise<Buffer> => {
    const polygons = shapes.map((shape) => polygon(uv, shape, 'white', grow)).join('');
    return drawMask(polygons, blur, side);
  };
  const [hidden, calmed] = [await mask([...eyes, mesh.leftBrow, mesh.rightBrow], 34, 1.5), await mask(eyes, 22, 5)];
  const weight = Float32Array.from(hidden, (value) => 1 - value / 255);
  const sigma = 14 * (side / USUAL_SIDE);
  const below = blurred(weight, side, sigma);
  for (let c = 0; c < 3; c++) {
    const plane = map.subarray(c * pixels, (c + 1) * pixels);
    const around = blurred(
      plane.map((value, i) => value * weight[i]!),
      side,
      sigma,
    );
    for (let i = 0; i < pixels; i++) {
      const share = (CALM * calmed[i]!) / 255;
      plane[i]! += share * (around[i]! / Math.max(below[i]!, 1e-3) - plane[i]!);
    }
  }
}

/** Gaussian blur of one plane. */
function blurred(plane: Float32Array, side: number, sigma: number): Float32Array {
  const reach = Math.ceil(3 * sigma);
  const kernel = Array.from({ length: 2 * reach + 1 }, (_, k) => Math.exp(-0.5 * ((k - reach) / sigma) ** 2));
  const total = kernel.reduce((sum, value) => sum + value, 0);
  let from = plane;
  for (const step of [1, side]) {
    const to = new Float32Array(plane.length);
    for (let i = 0; i < plane.length; i++) {
      const place = step === 1 ? i % side : Math.floor(i / side);
      let sum = 0;
      for (let k = -reach; k <= reach; k++) {
        sum += kernel[k + reach]! * from[i + (Math.min(side - 1, Math.max(0, place + k)) - place) * step]!;
      }
      to[i] = sum / total;
    }
    from = to;
  }
  return from;
}

/** Grows the colour of opaque pixels outwards, ring by ring, so that resizing and sampling at the edge meet skin, not black. */
function fillTransparent(rgba: Buffer, opaque: Buffer, width: number, height: number): void {
  const known = Uint8Array.from(opaque, (alpha) => (alpha > 250 ? 1 : 0));
  let front: number[] = [];
  for (let i = 0; i < known.length; i++) if (known[i]) front.push(i);
  while (front.length > 0) {
    const next: number[] = [];
    for (const i of front) {
      const x = i % width;
      for (const j of [x > 0 ? i - 1 : -1, x < width - 1 ? i + 1 : -1, i - width, i + width]) {
        if (j < 0 || j >= width * height || known[j]) continue;
        known[j] = 1;
        rgba.copy(rgba, 4 * j, 4 * i, 4 * i + 3);
        next.push(j);
      }
    }
    front = next;
  }
}

/** Smooth unit normals of a head in texture space, planar x, y, z; `shape` 3 × points in camera axes, frontal. */
export function normalMap(mesh: FaceMesh, uv: readonly Point[], shape: readonly number[], side: number): Float32Array {
  const normals = vertexNormals(mesh, shape);
  const map = new Float32Array(3 * side * side);
  const weight = new Float32Array(side * side);
  for (const [a, b, c] of mesh.triangles) {
    drawTriangle([uv[a]!, uv[b]!, uv[c]!], side, (at, wa, wb, wc) => {
      weight[at] = 1;
      for (let k = 0; k < 3; k++) {
        map[k * side * side + at] = wa * normals[3 * a + k]! + wb * normals[3 * b + k]! + wc * normals[3 * c + k]!;
      }
    });
  }
  for (let i = 0; i < side * side; i++) {
    const n = [map[i]!, map[side * side + i]!, map[2 * side * side + i]!];
    // Where there is no face, a normal that faces the camera.
    const length = weight[i] ? Math.hypot(...n) || 1 : 1;
    const unit = weight[i] ? n.map((value) => value / length) : [0, 0, -1];
    for (let k = 0; k < 3; k++) map[k * side * side + i] = unit[k]!;
  }
  return map;
}

function vertexNormals(mesh: FaceMesh, shape: readonly number[]): Float32Array {
  const normals = new Float32Array(shape.length);
  for (const [a, b, c] of mesh.triangles) {
    const p = [a, b, c].map((point) => shape.slice(3 * point, 3 * point + 3));
    const [u, v] = [1, 2].map((k) => p[k]!.map((value, axis) => value - p[0]![axis]!));
    const n = [0, 1, 2].map((k) => u![(k + 1) % 3]! * v![(k + 2) % 3]! - u![(k + 2) % 3]! * v![(k + 1) % 3]!);
    // Towards the camera, which looks along +z.
    const sign = faces(mesh) ? 1 : -1;
    for (const point of [a, b, c]) for (let k = 0; k < 3; k++) normals[3 * point + k]! += sign * n[k]!;
  }
  for (let i = 0; i < normals.length; i += 3) {
    const length = Math.hypot(normals[i]!, normals[i + 1]!, normals[i + 2]!) || 1;
    for (let k = 0; k < 3; k++) normals[i + k]! /= length;
  }
  return normals;
}

/** Whether the mesh's winding gives outward normals (z < 0) in camera axes. */
function faces(mesh: FaceMesh): boolean {
  const canonical = canonicalOf(mesh);
  const [a, b, c] = mesh.triangles[0]!;
  const at = (point: number, axis: number): number => canonical[3 * point + axis]!;
  return (at(b, 0) - at(a, 0)) * (at(c, 1) - at(a, 1)) - (at(b, 1) - at(a, 1)) * (at(c, 0) - at(a, 0)) < 0;
}

/** Every texel of a triangle of places 0–1, with its weights; `beyond` its edges too, as a share: coarse maps are read between their texels. */
export function drawTriangle(
  [a, b, c]: [Point, Point, Point],
  side: number,
  put: (at: number, wa: number, wb: number, wc: number) => void,
  beyond = 0.2,
): void {
  const [x0, y0, x1, y1, x2, y2] = [a[0], a[1], b[0], b[1], c[0], c[1]].map((value) => value * side - 0.5) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0);
  if (Math.abs(area) < 1e-9) return;
  for (
    let y = Math.max(0, Math.floor(Math.min(y0, y1, y2)));
    y <= Math.min(side - 1, Math.ceil(Math.max(y0, y1, y2)));
    y++
  ) {
    for (
      let x = Math.max(0, Math.floor(Math.min(x0, x1, x2)));
      x <= Math.min(side - 1, Math.ceil(Math.max(x0, x1, x2)));
      x++
    ) {
      const wb = ((x - x0) * (y2 - y0) - (x2 - x0) * (y - y0)) / area;
      const wc = ((x1 - x0) * (y - y0) - (x - x0) * (y1 - y0)) / area;
      if (wb >= -beyond && wc >= -beyond && wb + wc <= 1 + beyond) put(y * side + x, 1 - wb - wc, wb, wc);
    }
  }
}

const DRAWN = 512;
const onBlack = (shapes: string): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="${DRAWN}" height="${DRAWN}"><rect width="${DRAWN}" height="${DRAWN}" fill="black"/>${shapes}</svg>`;

/** Grey values 0–255 of shapes, blurred at the size they are drawn in (in one chain sharp would resize first). */
async function drawMask(shapes: string, blur: number, side: number): Promise<Buffer> {
  const drawn = await sharp(Buffer.from(onBlack(shapes)))
    .greyscale()
    .blur(blur)
    .png()
    .toBuffer();
  return sharp(drawn).greyscale().resize(side, side).raw().toBuffer();
}

/** A filled polygon through landmarks in texture space, with an edge `grow` pixels wide of 512. */
function polygon(uv: readonly Point[], points: readonly number[], fill: string, grow: number, stroke = fill): string {
  const path = points.map((point) => uv[point]!.map((value) => (value * DRAWN).toFixed(1)).join(',')).join(' ');
  return `<polygon points="${path}" fill="${fill}" stroke="${stroke}" stroke-width="${grow}" stroke-linejoin="round"/>`;
}

/** Where a texture shows bare skin, 0–255: inside the oval, away from brows, eyes, lips and nostrils. */
export async function skinMap(mesh: FaceMesh, uv: readonly Point[], side: number): Promise<Buffer> {
  const features: [number[], number][] = [
    [mesh.leftBrow, 16],
    [mesh.rightBrow, 16],
    [mesh.leftEye, 22],
    [mesh.rightEye, 22],
    [mesh.lips.outer, 14],
    [[97], 28],
    [[326], 28],
  ];
  const shapes = features.map(([points, grow]) =>
    polygon(uv, points.length > 1 ? points : [points[0]!, points[0]!], 'black', grow),
  );
  return drawMask(polygon(uv, mesh.oval, 'white', 16, 'black') + shapes.join(''), 4, side);
}

/** What the light meter reads: see GUIDE_CHANNELS. */
export async function guideMap(
  mesh: FaceMesh,
  uv: readonly Point[],
  shape: readonly number[],
  texture: Float32Array,
  textureSide: number,
  side: number,
): Promise<Buffer> {
  const skin = await skinMap(mesh, uv, side);
  const normals = normalMap(mesh, uv, shape, side);
  const guide = Buffer.alloc(side * side * GUIDE_CHANNELS);
  const ratio = textureSide / side;
  for (let y = 0, i = 0; y < side; y++) {
    for (let x = 0; x < side; x++, i++) {
      const out = i * GUIDE_CHANNELS;
      guide[out] = skin[i]!;
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let v = 0; v < ratio; v++) {
          for (let u = 0; u < ratio; u++)
            sum += texture[(c * textureSide + y * ratio + v) * textureSide + x * ratio + u]!;
        }
        guide[out + 1 + c] = Math.round((sum / (ratio * ratio)) * 255);
        guide[out + 4 + c] = Math.round((normals[c * side * side + i]! + 1) * 127.5);
      }
    }
  }
  return guide;
}
