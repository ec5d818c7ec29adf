import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import type { ShownFace } from '../../server/engine/face-stage.ts';

const box = z.tuple([z.number(), z.number(), z.number(), z.number()]);

/** What `NAME.faces.json` beside a clip says: where an independent detector, checked by eye, saw faces. */
const labelsSchema = z.looseObject({
  decoy: box.nullable(),
  faces: z.array(z.array(z.looseObject({ box, yawDeg: z.number() }))),
});

export type Labels = z.infer<typeof labelsSchema>;
export type LabelledFace = Labels['faces'][number][number];

/** Null where the clip has none. @throws Error when they cannot be understood. */
export function readLabels(clip: string): Labels | null {
  const file = clip.replace(/\.[^.]+$/, '.faces.json');
  if (!existsSync(file)) return null;
  const parsed = labelsSchema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (!parsed.success) throw new Error(`${file} is not understood: ${parsed.error.issues[0]?.message}.`);
  return parsed.data;
}

/** The face of the program that stands where a label does: the nearest whose box holds the label's centre. */
export function faceAt([x, y, w, h]: LabelledFace['box'], faces: readonly ShownFace[]): ShownFace | null {
  const [cx, cy] = [x + w / 2, y + h / 2];
  let nearest: ShownFace | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const face of faces) {
    const { box: b } = face.track;
    if (cx < b.x || cx > b.x + b.w || cy < b.y || cy > b.y + b.h) continue;
    const distance = Math.hypot(b.x + b.w / 2 - cx, b.y + b.h / 2 - cy);
    if (distance < least) [nearest, least] = [face, distance];
  }
  return nearest;
}
