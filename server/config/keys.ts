import { z } from 'zod';

type Path = readonly PropertyKey[];

/** The schema under defaults and null. */
function bare(schema: z.core.$ZodType): z.core.$ZodType {
  let inner = schema;
  while (
    inner instanceof z.ZodDefault ||
    inner instanceof z.ZodPrefault ||
    inner instanceof z.ZodNullable ||
    inner instanceof z.ZodOptional
  ) {
    inner = inner.unwrap();
  }
  return inner;
}

/** The keys that a schema takes at a path; empty where it takes none. */
function keysAt(schema: z.core.$ZodType, path: Path): string[] {
  let inner = bare(schema);
  for (const step of path) {
    if (inner instanceof z.ZodObject)
      inner = bare((inner.shape as Record<string, z.ZodType>)[String(step)] ?? z.never());
    else if (inner instanceof z.ZodArray) inner = bare(inner.element);
    else return [];
  }
  return inner instanceof z.ZodObject ? Object.keys(inner.shape as object) : [];
}

/** Every key of the schema, dotted: server, server.port … */
function allKeys(schema: z.core.$ZodType, path: string[] = []): string[][] {
  return keysAt(schema, path).flatMap((key) => [[...path, key], ...allKeys(schema, [...path, key])]);
}

/** Levenshtein's edit distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (const [i, letter] of Array.from(a).entries()) {
    const next = [i + 1];
    for (const [j, other] of Array.from(b).entries()) {
      next.push(Math.min((next[j] ?? 0) + 1, (row[j + 1] ?? 0) + 1, (row[j] ?? 0) + (letter === other ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/**
 * The known key that somebody who wrote an unknown one most likely meant, dotted, or null: first the same word in another
 * place (port → server.port), then the nearest spelling beside it, then the nearest anywhere.
 */
export function nearestKey(schema: z.core.$ZodType, path: Path, unknown: string): string | null {
  const word = unknown.slice(0, 64).toLowerCase();
  const dotted = allKeys(schema);
  const elsewhere = dotted.find((key) => key.at(-1)?.toLowerCase() === word);
  if (elsewhere) return elsewhere.join('.');
  const beside = keysAt(schema, path).map((key) => [...path.map(String), key]);
  for (const candidates of [beside, dotted]) {
    const [best] = candidates
      .map((key) => ({ key: key.join('.'), off: distance(word, (key.at(-1) ?? '').toLowerCase()) }))
      .sort((a, b) => a.off - b.off);
    if (best && best.off <= Math.max(2, word.length / 2)) return best.key;
  }
  return null;
}
