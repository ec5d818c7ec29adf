import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';

/** A file of hundreds of megabytes is read in pieces of this many bytes: the pictures of a live feed go on beside it. */
const PIECE = 1 << 18;

/** By path: what the file was when it was hashed. */
const known = new Map<string, { stamp: string; sha256: string }>();

/**
 * The SHA-256 of a file, 64 hexadecimal digits; remembered for as long as the file is not written to, so that a look that is worn again
 * costs nothing. @throws the file system's error.
 */
export async function fileSha256(file: string): Promise<string> {
  const { ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
  const stamp = [ino, size, mtimeNs, ctimeNs].join();
  const before = known.get(file);
  if (before?.stamp === stamp) return before.sha256;
  const hash = createHash('sha256');
  for await (const piece of createReadStream(file, { highWaterMark: PIECE })) hash.update(piece as Buffer);
  const sha256 = hash.digest('hex');
  known.set(file, { stamp, sha256 });
  return sha256;
}
