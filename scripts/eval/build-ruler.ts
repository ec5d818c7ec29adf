/**
 * Builds what `npm run eval -- double` reads expressions with, from what scripts/training/train_ruler.py left.
 * Usage: node scripts/eval/build-ruler.ts TRAINED
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readTrained } from '../double/trained-network.ts';
import { OnnxGraph } from '../models/onnx-graph.ts';
import { RULED, SIDE } from './expression-ruler.ts';

const [trained] = process.argv.slice(2);
if (!trained) {
  console.error('Name the folder of what was trained: node scripts/eval/build-ruler.ts TRAINED');
  process.exit(2);
}
const g = new OnnxGraph('understudy-expression-ruler');
const { expression } = readTrained(trained).build(g, { face: g.input('face', [1, 3, SIDE, SIDE]) }, ['expression']);
g.output('expression', expression, [1, RULED.length, 1, 1]);
const bytes = g.encode({ generator: 'scripts/eval/build-ruler.ts' });
writeFileSync(fileURLToPath(new URL('./expression-ruler.onnx', import.meta.url)), bytes);
console.log(`expression-ruler.onnx ${(bytes.byteLength / 1e6).toFixed(2)} MB`);
