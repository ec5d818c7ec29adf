import { z } from 'zod';
import type { Iris } from './irises.ts';
import { parseJson } from './manifest.ts';
import type { RigidPoint } from './pose.ts';

/** Points of the face mesh that carry the surface (the irises follow them in a Landmarks list and are not drawn). */
export const MESH_POINTS = 468;

/** Per texel: weight as skin 0–255, albedo R, G, B (encoded, 0–255), normal x, y, z (0–255 for −1 to 1, camera axes of a frontal head). */
export const GUIDE_CHANNELS = 7;
const MAX_VERTICES = 2048;

/**
 * Checked in one pass, not number by number through the schema: a mesh has ten thousand of them, and a live feed's pictures wait while it
 * is checked.
 */
const numbersWhere = (holds: (values: readonly number[]) => boolean, what: string) =>
  z.custom<number[]>((value) => Array.isArray(value) && value.every(Number.isFinite) && holds(value), what);
const numbers = (length: number) => numbersWhere((values) => values.length === length, `not ${length} numbers`);
const indices = (below: number) => (values: readonly number[]) =>
  values.every((value) => Number.isInteger(value) && value >= 0 && value < below);

const templateSchema = z
  .strictObject({
    format: z.literal(1),
    /** Canonical head, x to image right, y down, z away from the camera. */
    canonical: numbers(3 * MESH_POINTS),
    rigid: z.array(z.strictObject({ point: z.int().min(0).max(467), weight: z.number().positive() })).min(6),
    /** How the double's proportions differ from those of an average head, canonical units; 0 where the performer's own edge must hold. */
    offset: numbers(3 * MESH_POINTS),
    /** Which landmark each drawn vertex follows. Openings (eyes, mouth) have vertices of their own, with texture coordinates outside the texture. */
    vertices: numbersWhere(
      (values) => values.length >= MESH_POINTS && values.length <= MAX_VERTICES && indices(MESH_POINTS)(values),
      `not ${MESH_POINTS} to ${MAX_VERTICES} landmarks, 0 to ${MESH_POINTS - 1}`,
    ),
    /** Per vertex (u, v), −1 to 1 across the texture, as GridSample wants them. */
    uv: numbersWhere(() => true, 'not numbers'),
    /** Corners clockwise on screen when the triangle faces the camera. */
    triangles: numbersWhere(indices(MAX_VERTICES), 'not vertices'),
    /** How its irises look (irises.ts); absent where the performer's own are shown. */
    iris: z
      .strictObject({
        radius: z.number().positive().max(2),
        profile: z.array(z.number().min(0).max(1)).min(6).max(192),
      })
      .refine(({ profile }) => profile.length % 3 === 0, 'the iris has no whole colours')
      .optional(),
    /** Null where nothing is lit by it. */
    guide: z.strictObject({ size: z.int().min(16).max(256), base64: z.string() }).nullable(),
  })
  .refine((t) => t.uv.length === 2 * t.vertices.length, 'uv and vertices do not belong together')
  .refine((t) => t.triangles.length % 3 === 0, 'triangles are not triples')
  .refine(
    (t) => t.triangles.every((corner) => corner < t.vertices.length),
    'a triangle names a vertex that is not there',
  );

/** What the light meter knows of the texture: a coarse map of where skin is, its colour and which way it faces. */
export interface Guide {
  size: number;
  texels: Uint8Array;
}

export interface Template {
  canonical: Float32Array;
  rigid: readonly RigidPoint[];
  offset: Float32Array;
  vertices: readonly number[];
  uv: Float32Array;
  triangles: readonly number[];
  iris: Iris | null;
  /** Null for a look that brings no skin of its own. */
  guide: Guide | null;
}

/** Reads a double's `mesh.json`. @throws Error with a sentence that names the file. */
export function readTemplate(bytes: Buffer, path: string): Template {
  const parsed = templateSchema.safeParse(parseJson(bytes.toString('utf8'), path));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new Error(
      `${path} is not a face mesh of this version (${issue?.path.join('.')}: ${issue?.message}). Import the double again.`,
    );
  }
  const { guide, canonical, offset, uv, iris = null, ...rest } = parsed.data;
  return {
    ...rest,
    iris,
    canonical: Float32Array.from(canonical),
    offset: Float32Array.from(offset),
    uv: Float32Array.from(uv),
    guide: guide && { size: guide.size, texels: texelsOf(guide, path) },
  };
}

function texelsOf({ size, base64 }: { size: number; base64: string }, path: string): Uint8Array {
  const texels = new Uint8Array(Buffer.from(base64, 'base64'));
  if (texels.length === size * size * GUIDE_CHANNELS) return texels;
  throw new Error(`${path} is not a face mesh of this version (guide: wrong length). Import the double again.`);
}
