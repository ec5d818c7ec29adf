import type { Arena } from '../frame/arena.ts';
import type { Kernels } from '../frame/kernels.ts';
import type { Runtime } from '../inference/session.ts';
import { openDfm } from './dfm.ts';
import { openEmbedding } from './embedding.ts';
import { openLearned } from './learned.ts';
import { readManifest } from './manifest.ts';
import { openMesh } from './mesh.ts';
import { openOwnFace } from './own-face.ts';
import { ownedKind, readOwned } from './owned-manifest.ts';
import type { Replacer } from './replacer.ts';

/** What a replacer is built from. It owns its session and its kernel memory; the rest stays the engine's. */
export interface OpenOptions {
  runtime: Runtime;
  arena: Arena;
  kernels: Kernels;
  /** The double's folder. */
  dir: string;
  /** Whether faces that are close are drawn in more detail (default false). */
  closeUps?: boolean;
}

/** Opens the double in a folder, whatever its kind. @throws Error with a sentence that says what is wrong with it. */
export function openDouble(options: OpenOptions): Promise<Replacer> {
  if (ownedKind(options.dir)) return openOwned(options);
  const manifest = readManifest(options.dir);
  switch (manifest.kind) {
    case 'mesh':
      return openMesh(options);
    case 'learned':
      return openLearned(options);
    case 'retouch':
    case 'reage':
      return openOwnFace(options, manifest.kind);
  }
}

/** A model that a production brought. Rejects, as the others do, where its manifest is wrong. */
async function openOwned(options: OpenOptions): Promise<Replacer> {
  const manifest = readOwned(options.dir);
  return manifest.kind === 'dfm' ? openDfm(options, manifest) : openEmbedding(options, manifest);
}
