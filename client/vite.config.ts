import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import preact from '@preact/preset-vite';
import { defineConfig, type Plugin } from 'vite';
import { withMetadata } from './camera/aid-model.ts';

const root = fileURLToPath(new URL('.', import.meta.url));
const require = createRequire(import.meta.url);
const AID_MODEL = 'virtual:aid-model';

/** The framing aid's detector comes out of its npm package with the metadata it lacks, and is served like any other asset. */
function aidModel(): Plugin {
  const make = () =>
    withMetadata(readFileSync(require.resolve('@mediapipe/face_detection/face_detection_short_range.tflite')));
  let serving = false;
  return {
    name: 'understudy:aid-model',
    configResolved: ({ command }) => {
      serving = command === 'serve';
    },
    resolveId: (id) => (id === AID_MODEL ? `\0${AID_MODEL}` : null),
    load(id) {
      if (id !== `\0${AID_MODEL}`) return null;
      const source = make();
      if (serving)
        return `export default 'data:application/octet-stream;base64,${Buffer.from(source).toString('base64')}'`;
      const reference = this.emitFile({ type: 'asset', name: 'face_detection_short_range.tflite', source });
      return `export default import.meta.ROLLUP_FILE_URL_${reference}`;
    },
  };
}

export default defineConfig({
  root,
  base: '/',
  plugins: [preact(), aidModel()],
  worker: { format: 'es' },
  build: {
    outDir: join(root, '..', 'dist', 'client'),
    emptyOutDir: true,
    target: 'es2022',
    // Nothing inline: a strict content security policy needs no exception for `data:`.
    assetsInlineLimit: 0,
    rolldownOptions: { input: ['index', 'camera', 'monitor', 'try'].map((page) => join(root, `${page}.html`)) },
  },
});
