import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

/** Where doubles lie that the server finds: server/library/looks.ts. */
export const DOUBLES = fileURLToPath(new URL('../../models/doubles/', import.meta.url));
/** A network of kind `learned` (server/double/learned.ts) that was trained on many faces, to fit one it has never seen: CARD.md beside it. */
export const ANYBODY = fileURLToPath(new URL('../../models/own-double/network.onnx', import.meta.url));
/** The network beside it that paints eyes and mouth (server/double/features.ts). */
export const ANYBODY_FEATURES = fileURLToPath(new URL('../../models/own-double/features.onnx', import.meta.url));

const layout = z.looseObject({ uv: z.array(z.tuple([z.number(), z.number()])).length(468) });

/** A bundled double's folder and the places of its landmarks in its texture. */
export function bundledLayout(name: string): { dir: string; uv: [number, number][] } {
  const dir = join(DOUBLES, name);
  return { dir, uv: layout.parse(JSON.parse(readFileSync(join(dir, 'texture.json'), 'utf8'))).uv };
}
