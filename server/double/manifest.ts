import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import { fileSha256 } from '../inference/file-hash.ts';

const FORMAT = 1;

const heldFile = z.strictObject({
  file: z.string().regex(/^[\w.-]+$/, 'a plain file name'),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, '64 hexadecimal digits'),
});

/** What stands in a double's `double.json`. */
const manifestSchema = z.strictObject({
  format: z.literal(FORMAT),
  kind: z.enum(['mesh', 'learned', 'retouch', 'reage']),
  /** What people call the double. */
  name: z.string().min(1).max(80),
  /** The network, and the face mesh that tells it where on the face it is. */
  model: heldFile,
  mesh: heldFile,
  /** Texture and normals (maps.ts), where they are drawn with before the network; pixels across. */
  maps: heldFile
    .extend({
      side: z.int().min(16).max(2048),
      normalSide: z.int().min(16).max(512),
      /** The texture in more detail, for close-ups; without it they are painted with the same one. */
      detail: heldFile.extend({ side: z.int().min(16).max(2048) }).optional(),
    })
    .optional(),
  /** The network that paints eyes and mouth (features.ts); without it they stay as drawn. */
  features: heldFile.optional(),
  /** How the crop is cut: the landmarks a similarity is fitted to. */
  template: z.literal('face-mesh-468'),
  /** Side of the square the network makes, pixels. */
  size: z.literal(256),
  maxYawDeg: z.number().min(10).max(90),
  licence: z.string().min(1),
  card: z.string().min(1),
  /** A fictional person may play without a signed consent; a real one may not. */
  fictional: z.boolean(),
});

export type DoubleManifest = z.infer<typeof manifestSchema>;

/** Reads and checks `double.json`. @throws Error with a sentence that names the folder and what is wrong. */
export function readManifest(dir: string): DoubleManifest {
  const parsed = manifestSchema.safeParse(parseJson(readText(dir, 'double.json'), join(dir, 'double.json')));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue?.path.length ? `"${issue.path.join('.')}"` : 'its contents';
  throw new Error(
    `The double in ${dir} cannot be used: ${where} in double.json: ${issue?.message ?? 'not understood'}. This version understands format ${FORMAT}; import the double again.`,
  );
}

/** The bytes of one of a double's files, once their hash is what the manifest says. @throws Error with a sentence. */
export function readHeld(dir: string, held: { file: string; sha256: string }): Buffer {
  const path = join(dir, held.file);
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch {
    throw missing(dir, held);
  }
  if (createHash('sha256').update(bytes).digest('hex') !== held.sha256) throw changed(dir, held);
  return bytes;
}

/** Hashed at once, so many bytes: a live feed's pictures go on in between. */
const PIECE = 1 << 18;

/** As readHeld, beside the pictures of a live feed: read off this thread, hashed in pieces. */
export async function readHeldBeside(dir: string, held: { file: string; sha256: string }): Promise<Buffer> {
  const bytes = await readFile(join(dir, held.file)).catch(() => {
    throw missing(dir, held);
  });
  const hash = createHash('sha256');
  for (let at = 0; at < bytes.length; at += PIECE) {
    if (at > 0) await setImmediate();
    hash.update(bytes.subarray(at, at + PIECE));
  }
  if (hash.digest('hex') !== held.sha256) throw changed(dir, held);
  return bytes;
}

/** As readHeld, for a file that may be large and is not read whole here. */
export async function checkHeld(dir: string, held: { file: string; sha256: string }): Promise<void> {
  const hash = await fileSha256(join(dir, held.file)).catch(() => null);
  if (hash === null) throw missing(dir, held);
  if (hash !== held.sha256) throw changed(dir, held);
}

const missing = (dir: string, { file }: { file: string }): Error =>
  new Error(`The double in ${dir} is incomplete: ${file} is missing. Import the double again.`);

const changed = (dir: string, { file }: { file: string }): Error =>
  new Error(
    `The double in ${dir} is damaged or was changed: the hash of ${file} is not the one in double.json. Import the double again.`,
  );

function readText(dir: string, file: string): string {
  try {
    return readFileSync(join(dir, file), 'utf8');
  } catch {
    throw new Error(`There is no double in ${dir}: ${file} is missing. Name a folder that holds one.`);
  }
}

/** @throws Error with a sentence that names the file. */
export function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Error(`${path} is not JSON: it is truncated or was changed. Import the double again.`);
  }
}
