import { realpathSync } from 'node:fs';
import { basename } from 'node:path';
import { EngineCache, type EngineFacts } from './engine-cache.ts';
import { gpus, libraries } from './machine.ts';
import { ortLibrary } from './ort-library.ts';

/** What engines built here are good for; null where there is no such GPU. */
export async function engineFactsHere(device: number): Promise<EngineFacts | null> {
  const gpu = (await gpus()).found.find(({ index }) => index === device);
  if (!gpu) return null;
  const found = (await libraries()).filter(({ neededBy, path }) => neededBy.includes('tensorrt') && path !== null);
  // A library's version is in the name of the file that its link leads to.
  const versions = found.map(({ path, file }) => {
    try {
      return basename(realpathSync(path as string));
    } catch {
      return file;
    }
  });
  return {
    gpu: `${gpu.name} (${gpu.compute})`,
    driver: gpu.driver,
    libraries: [`onnxruntime ${ortLibrary().version}`, ...versions.sort()].join(', '),
  };
}

/** Opens the engines of this machine's GPU under a folder; null where there is no GPU to have built them for. */
export async function engineCacheHere(root: string, device: number): Promise<EngineCache | null> {
  const facts = await engineFactsHere(device);
  return facts && new EngineCache(root, facts);
}
