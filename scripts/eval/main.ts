/** `npm run eval -- NAME [--json] [--quick] …`. */
const EVALS: Record<string, () => Promise<{ run(args: string[]): Promise<number> }>> = {
  double: () => import('./double.ts'),
  replace: () => import('./replace.ts'),
};

const [name = '', ...args] = process.argv.slice(2);
const load = EVALS[name];
if (!load) {
  process.stderr.write(
    `Say what to evaluate: ${Object.keys(EVALS).join(', ')}. For example: npm run eval -- replace --clips DIR --out DIR\n`,
  );
  process.exit(2);
}
try {
  process.exit(await (await load()).run(args));
} catch (error) {
  process.stderr.write(`${name} could not be evaluated: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(2);
}
