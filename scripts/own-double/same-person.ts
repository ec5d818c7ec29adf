import { fileURLToPath } from 'node:url';
import { likeness, readShapeModel, type ShapeModel, shapeOf } from '../../server/engine/casting/shape.ts';
import { FootageError } from './footage-error.ts';
import { quantile } from './neutral.ts';
import type { Sight } from './observe.ts';

const MODELS = fileURLToPath(new URL('../../models/', import.meta.url));
/** Views of a file below which its face's shape is noise. */
const FEWEST = 6;
const MOST_TURNED = 20;
/** Nats: two persons are at −21 in the middle, one person on another day, through another lens, at +6 (server/docs/decisions/identity.md). */
const SOMEBODY_ELSE = -25;

/** @throws FootageError where the face in one file has another bone structure than in the file that shows most. */
export function samePerson(sights: readonly Sight[]): void {
  const model = readShapeModel(MODELS);
  const files = new Map<string, Sight[]>();
  for (const sight of sights)
    if (Math.abs(sight.yaw) < MOST_TURNED && Math.abs(sight.pitch) < MOST_TURNED)
      files.set(sight.file, [...(files.get(sight.file) ?? []), sight]);
  const told = [...files].filter(([, views]) => views.length >= FEWEST).toSorted((a, b) => b[1].length - a[1].length);
  const [most, ...others] = told.map(([file, views]) => ({ file, shape: middleShape(model, views) }));
  const other = others.find(({ shape }) => most && likeness(model, most.shape, shape) < SOMEBODY_ELSE);
  if (most && other)
    throw new FootageError(
      `The face in ${other.file} is not that in ${most.file}: a double is made of one person alone. Take one of them out of the folder; where it is the same person all the same, say --same-person.`,
    );
}

function middleShape(model: ShapeModel, views: readonly Sight[]): Float64Array {
  const count = views[0]!.canonical.length;
  const middle = Float32Array.from({ length: count }, (_, k) =>
    quantile(
      views.map(({ canonical }) => canonical[k]!),
      0.5,
    ),
  );
  return shapeOf(model, middle);
}
