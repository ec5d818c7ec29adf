import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '../../server/config/config.ts';
import { Occlusion } from '../../server/double/occlusion/occlusion.ts';
import { type Head, readHead } from '../../server/engine/casting/head.ts';
import { Pictures } from '../../server/engine/pictures.ts';
import { createPerceiver, type Perceiver } from '../../server/face/perceiver.ts';
import { Arena } from '../../server/frame/arena.ts';
import { type Kernels, loadKernels } from '../../server/frame/kernels.ts';
import { createRuntime } from '../../server/inference/runtime.ts';
import type { Runtime } from '../../server/inference/session.ts';
import { closeUps } from '../../server/stage/configured.ts';

export const MODELS_DIR = fileURLToPath(new URL('../../models/', import.meta.url));
/** The clip of a rendered performer that the repository has; without a truth of any double. */
export const DEMO = join(MODELS_DIR, 'demo', 'demo.mp4');
/** 4096×2160 several times over, and the networks' tensors. */
const MEMORY_MB = 768;

/** What the engine's own per-frame code runs on, without the engine's process around it. */
export interface EngineParts {
  arena: Arena;
  kernels: Kernels;
  pictures: Pictures;
  head: Head;
  /** Whether looks draw close-ups in more detail, as the server does on this machine. */
  closeUps: boolean;
  /** A new perceiver, the stage's to close. */
  perceiver(): Promise<Perceiver>;
  /** A new finder of what stands before faces, the stage's to close; null where it is switched off. */
  occlusion(): Promise<Occlusion | null>;
}

/**
 * Lends out the engine's parts and closes the runtime, with all sessions, afterwards.
 * @param occlusion whether what stands before faces is left out; else as the server does by default.
 */
export async function withEngine<T>(
  work: (parts: { engine: EngineParts; runtime: Runtime }) => Promise<T>,
  occlusion = loadConfig().engine.occlusion,
): Promise<T> {
  const arena = new Arena(MEMORY_MB);
  const kernels = loadKernels(arena);
  const runtime = createRuntime();
  const engine: EngineParts = {
    arena,
    kernels,
    pictures: new Pictures(arena),
    head: readHead(MODELS_DIR),
    closeUps: closeUps(loadConfig()),
    perceiver: () => createPerceiver({ runtime, arena, kernels, modelsDir: MODELS_DIR }),
    occlusion: async () => (occlusion ? Occlusion.open({ runtime, arena, kernels, modelsDir: MODELS_DIR }) : null),
  };
  try {
    return await work({ engine, runtime });
  } finally {
    runtime.close();
  }
}
