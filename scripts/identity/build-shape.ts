/**
 * Makes models/perception/face-shape.json, by which faces are told apart, from a population (scripts/identity/render-population.ts): linear
 * discriminants (Fisher 1936, Rao 1948) of where landmarks lie on the head. Usage: node scripts/identity/build-shape.ts POPULATION.json
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { addOuter, backward, cholesky, eigen, forward, zeros } from './linear.ts';
import type { Sighting } from './render-population.ts';

/**
 * Bridge, tip and wings of the nose, corners of the eyes, forehead, temples, cheekbones, jaw and the outline: what bone carries.
 * Lips, lids and brows are left out, however well they would tell two calm faces apart.
 */
const POINTS = [
  6, 168, 197, 195, 5, 4, 1, 2, 98, 327, 129, 358, 64, 294, 33, 133, 362, 263, 10, 151, 9, 8, 67, 297, 103, 332, 54,
  284, 21, 251, 127, 356, 234, 454, 93, 323, 132, 361, 58, 288, 117, 346, 50, 280, 116, 345, 123, 352, 143, 372,
];
const DIRECTIONS = 20;
/** As the server compares them. */
const MAX_TURN_DEG = 20;
/** What real footage adds to renders (compression, focus, a landmark model trained on other faces), canonical units, standard deviation. */
const NOISE = 0.08;
/** Variance of a mean over the server's window of pictures, as a share of a single random picture's: pose and expression last. */
const WINDOW_SHARE = 0.4;

type Population = Record<string, Sighting[]>;

export interface ShapeFile {
  points: number[];
  basis: number[][];
  between: number[];
}

const vectorOf = ({ points }: Sighting): Float64Array =>
  Float64Array.from(POINTS.flatMap((point) => [0, 1, 2].map((axis) => points[3 * point + axis]!)));

function mean(rows: readonly Float64Array[]): Float64Array {
  return rows[0]!.map((_, k) => rows.reduce((sum, row) => sum + row[k]!, 0) / rows.length);
}

/** Discriminants of a population: within-person spread 1 along each, largest between-person variance first. */
export function discriminants(population: Population): ShapeFile {
  const people = Object.values(population)
    .map((seen) =>
      seen.filter(({ yaw, pitch }) => Math.max(Math.abs(yaw), Math.abs(pitch)) < MAX_TURN_DEG).map(vectorOf),
    )
    .filter((seen) => seen.length >= 6);
  const size = 3 * POINTS.length;
  const [within, between] = [zeros(size), zeros(size)];
  const means = people.map(mean);
  const sightings = people.reduce((sum, seen) => sum + seen.length, 0);
  people.forEach((seen, i) => {
    for (const one of seen)
      addOuter(
        within,
        one.map((x, k) => x - means[i]![k]!),
        1 / (sightings - people.length),
      );
  });
  const all = mean(means);
  for (const one of means)
    addOuter(
      between,
      one.map((x, k) => x - all[k]!),
      1 / (means.length - 1),
    );
  const perPerson = sightings / people.length;
  within.forEach((row, i) => {
    between[i]!.forEach((_, k) => {
      between[i]![k]! -= row[k]! / perPerson;
    });
    row[i]! += NOISE * NOISE;
  });
  const l = cholesky(within);
  const half = between.map((row) => forward(l, row));
  const white =
    half[0]!.map(() => 0) &&
    zeros(size).map((_, i) =>
      forward(
        l,
        Float64Array.from(half, (row) => row[i]!),
      ),
    );
  const top = eigen(white).slice(0, DIRECTIONS);
  return {
    points: POINTS,
    basis: top.map(({ vector }) =>
      Array.from(backward(l, vector), (x) => Number((x / Math.sqrt(WINDOW_SHARE)).toFixed(4))),
    ),
    between: top.map(({ value }) => Number((Math.max(0, value) / WINDOW_SHARE).toFixed(3))),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [file] = process.argv.slice(2);
  if (!file) throw new Error('Name the population: node scripts/identity/build-shape.ts POPULATION.json');
  const model = discriminants(JSON.parse(readFileSync(file, 'utf8')) as Population);
  const out = fileURLToPath(new URL('../../models/perception/face-shape.json', import.meta.url));
  writeFileSync(out, `${JSON.stringify({ format: 1, licence: 'Apache-2.0', ...model })}\n`);
  console.log(`between persons: ${model.between.join(' ')}`);
}
