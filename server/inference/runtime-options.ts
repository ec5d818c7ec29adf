import { engineCacheHere } from './engine-facts.ts';
import type { RuntimeOptions } from './session.ts';
import type { InferenceSettings } from './settings.ts';

/** What a runtime is opened with. Apart from the settings, which the front knows too: it loads no library. */
export const runtimeOptions = (settings: InferenceSettings): RuntimeOptions => {
  const { providers, device, precision, workspaceMb, cacheDir, library } = settings;
  return {
    providers,
    library,
    gpu: { device, workspaceMb, fp16: precision === 'auto' },
    engines: cacheDir === null ? null : () => engineCacheHere(cacheDir, device),
  };
};
