import { readFileSync } from 'node:fs';
import type { FaceMesh } from './face-mesh.ts';

/** The landmark model's own mesh, as scripts/models/convert.ts wrote it from the model's package. */
export const readFaceMesh = (): FaceMesh =>
  JSON.parse(readFileSync(new URL('../../models/perception/face-mesh.json', import.meta.url), 'utf8')) as FaceMesh;
