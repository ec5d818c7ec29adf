import { dirname } from 'node:path';
import type { SessionOptions } from '../inference/session.ts';
import { dfmShapes } from './dfm.ts';
import { embeddingShapes } from './embedding.ts';
import { ownedKind } from './owned-manifest.ts';

/** How a network is loaded to be tried or built, by its file: exports that productions own leave sizes open. */
export function loadingOf(file: string): SessionOptions {
  const kind = ownedKind(dirname(file));
  return kind ? { openShapes: kind === 'dfm' ? dfmShapes : embeddingShapes } : {};
}
