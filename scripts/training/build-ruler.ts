/**
 * Fits the ruler of `npm run eval -- double` (scripts/eval/expression-ruler.json) to faces that read-expressions.ts has read, and says
 * how well it and the plain distances (face-signals.ts) follow the rig of people who were left out of the fit.
 *   node scripts/training/build-ruler.ts READ [--out FILE] [--folds 6]
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { median } from '../bench/report.ts';
import { dot, featuresOf, RULED, type Ruled, type RulerFile } from '../eval/expression-ruler.ts';
import { expressionOf } from '../eval/face-signals.ts';
import { pearson } from '../eval/series.ts';
import { addOuter, backward, cholesky, forward, type Matrix, zeros } from '../identity/linear.ts';
import { readFaceMesh } from '../models/read-face-mesh.ts';
import { HELD_OUT_SEED } from '../performer/people.ts';
import type { ExpressionSample, ReadPerson } from './read-expressions.ts';

/** Ridges to choose among, for features of variance 1. */
const RIDGES = [6, 20, 60, 200, 600];
/** A weighted reading is taken where its median over people is larger by this. */
const BETTER = 0.02;

/** What the rig did. */
const TARGETS: Record<Ruled, (sample: ExpressionSample) => number> = {
  blink: ({ rig }) => (rig.blinkLeft + rig.blinkRight) / 2,
  smile: ({ rig }) => rig.smile,
  brow: ({ rig }) => rig.brows,
};

/** The landmark on the other side of each: nearest to its mirror image on the canonical face; irises rim by rim. */
function otherSides(): number[] {
  const { positions, leftIris, rightIris } = readFaceMesh();
  const other = positions.map(([x, y, z]) => {
    const far = positions.map((p) => Math.hypot(p[0] + x, p[1] - y, p[2] - z));
    return far.indexOf(Math.min(...far));
  });
  // Centre, then the rim in turn: what points left on one side points right on the other.
  for (const [k, turned] of [0, 3, 2, 1, 4].entries()) {
    other[leftIris[k]!] = rightIris[turned]!;
    other[rightIris[k]!] = leftIris[turned]!;
  }
  return other;
}

/** One face, or its mirror image. */
interface Row {
  person: number;
  mirror: boolean;
  features: Float64Array;
  wanted: Record<Ruled, number>;
  plain: Record<Ruled, number>;
}

function rowsOf(people: readonly ReadPerson[]): Row[] {
  const other = otherSides();
  return people.flatMap(({ seed, samples }) =>
    samples.flatMap((sample): Row[] => {
      const points = Float32Array.from(sample.points);
      const turned = points.map((_, k) => {
        const value = points[3 * other[Math.floor(k / 3)]! + (k % 3)]!;
        return k % 3 === 0 ? -value : value;
      });
      const wanted = Object.fromEntries(RULED.map((signal) => [signal, TARGETS[signal](sample)])) as Row['wanted'];
      const both = { person: seed, wanted, plain: expressionOf(points) };
      return [
        { ...both, mirror: false, features: featuresOf(points) },
        { ...both, mirror: true, features: featuresOf(turned) },
      ];
    }),
  );
}

/** Rows less the mean of their person (and side): who somebody is does not count, only what they do. */
function centred(rows: readonly Row[]): Row[] {
  const groups = Map.groupBy(rows, ({ person, mirror }) => `${person} ${mirror}`);
  return [...groups.values()].flatMap((group) => {
    const mean = (of: (row: Row) => number): number => group.reduce((sum, row) => sum + of(row), 0) / group.length;
    const features = group[0]!.features.map((_, k) => mean((row) => row.features[k]!));
    const wanted = RULED.map((signal) => [signal, mean((row) => row.wanted[signal])] as const);
    return group.map((row) => ({
      ...row,
      features: row.features.map((value, k) => value - features[k]!),
      wanted: Object.fromEntries(wanted.map(([s, m]) => [s, row.wanted[s] - m])) as Row['wanted'],
    }));
  });
}

/** Sums that the normal equations need. */
interface Sums {
  count: number;
  square: Matrix;
  with: Record<Ruled, Float64Array>;
}

function sumsOf(rows: readonly Row[]): Sums {
  const size = rows[0]!.features.length;
  const square = zeros(size);
  const sums = Object.fromEntries(RULED.map((s) => [s, new Float64Array(size)])) as Sums['with'];
  for (const { features, wanted } of rows) {
    addOuter(square, features, 1);
    for (const signal of RULED) for (let k = 0; k < size; k++) sums[signal][k]! += wanted[signal] * features[k]!;
  }
  return { count: rows.length, square, with: sums };
}

const joined = (all: readonly Sums[]): Sums => ({
  count: all.reduce((sum, one) => sum + one.count, 0),
  square: all[0]!.square.map((row, i) => row.map((_, j) => all.reduce((sum, one) => sum + one.square[i]![j]!, 0))),
  with: Object.fromEntries(
    RULED.map((s) => [s, all[0]!.with[s].map((_, k) => all.reduce((sum, one) => sum + one.with[s][k]!, 0))]),
  ) as Sums['with'],
});

/** Ridge regression on features of variance 1, (XᵀX + λI) w = Xᵀy; the weights are for features as they are. */
function fitted({ count, square, with: sums }: Sums, ridge: number): Record<Ruled, Float64Array> {
  const spread = square.map((row, i) => Math.sqrt(row[i]! / count) || 1);
  const lower = cholesky(
    square.map((row, i) => row.map((v, j) => v / spread[i]! / spread[j]! + (i === j ? ridge : 0))),
  );
  const solve = (right: Float64Array): Float64Array =>
    backward(
      lower,
      forward(
        lower,
        right.map((v, k) => v / spread[k]!),
      ),
    ).map((w, k) => w / spread[k]!);
  return Object.fromEntries(RULED.map((signal) => [signal, solve(sums[signal])])) as Record<Ruled, Float64Array>;
}

/** Median over people of the correlation over their faces. */
function score(rows: readonly Row[], signal: Ruled, read: (row: Row) => number): number {
  const people = [...Map.groupBy(rows, ({ person }) => person).values()];
  const wanted = (own: readonly Row[]): number[] => own.map((row) => row.wanted[signal]);
  return median(people.map((own) => pearson(own.map(read), wanted(own))).filter(Number.isFinite));
}

type Chosen = Record<Ruled, { ridge: number; score: number }>;

/** The ridge with which whole people left out are read best. */
function choose(faces: readonly Row[], folds: readonly Sums[], foldOf: ReadonlyMap<number, number>): Chosen {
  const best = Object.fromEntries(RULED.map((signal) => [signal, { ridge: 0, score: -1 }])) as Chosen;
  for (const ridge of RIDGES) {
    const without = folds.map((_, k) => fitted(joined(folds.toSpliced(k, 1)), ridge));
    for (const signal of RULED) {
      const read = ({ person, features }: Row): number => dot(without[foldOf.get(person)!]![signal], features);
      const found = score(faces, signal, read);
      if (found > best[signal].score) best[signal] = { ridge, score: found };
    }
  }
  return best;
}

function main(): void {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { out: { type: 'string' }, folds: { type: 'string', default: '6' } },
  });
  const [folder] = positionals;
  if (!folder) throw new Error('Say which folder read-expressions.ts wrote.');
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
  const people = names.sort().map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as ReadPerson);
  if (people.some(({ seed }) => seed >= HELD_OUT_SEED))
    throw new Error(`People from ${HELD_OUT_SEED} on are held out for measuring.`);
  const rows = rowsOf(people);
  const faces = rows.filter(({ mirror }) => !mirror);
  const count = Number(values.folds);
  const foldOf = new Map(people.map(({ seed }, i) => [seed, i % count]));
  const folds = Array.from({ length: count }, (_, k) =>
    sumsOf(centred(rows.filter(({ person }) => foldOf.get(person) === k))),
  );
  const best = choose(faces, folds, foldOf);
  console.log(`${people.length} people, ${faces.length} faces; correlation with the rig, median over people left out:`);
  const weights: RulerFile['weights'] = {};
  for (const signal of RULED) {
    const before = score(faces, signal, (row) => row.plain[signal]);
    const { ridge, score: now } = best[signal];
    const taken = now > before + BETTER;
    if (taken) weights[signal] = Array.from(fitted(joined(folds), ridge)[signal], (w) => Number(w.toPrecision(4)));
    const told = `plain ${before.toFixed(3)}, weighted ${now.toFixed(3)} (ridge ${ridge})`;
    console.log(`${signal}: ${told}${taken ? '' : ': not taken'}`);
  }
  const made = `scripts/training/build-ruler.ts, ${people.length} people, ${faces.length} faces`;
  if (values.out) writeFileSync(values.out, `${JSON.stringify({ format: 1, made, weights })}\n`);
}

main();
