/** `npm run bench -- NAME [--json] [--quick]`. */
const BENCHES: Record<string, () => Promise<{ run(args: string[]): Promise<number> }>> = {
  live: () => import('./live.ts'),
  browser: () => import('./browser.ts'),
  chaos: () => import('./chaos.ts'),
  soak: () => import('./soak.ts'),
  inference: () => import('./inference.ts'),
  'av-offset': () => import('./av-offset.ts'),
};

const [name = '', ...args] = process.argv.slice(2);
const load = BENCHES[name];
if (!load) {
  process.stderr.write(
    `Say which bench: ${Object.keys(BENCHES).join(', ')}. For example: npm run bench -- live --json\n`,
  );
  process.exit(2);
}
try {
  process.exit(await (await load()).run(args));
} catch (error) {
  process.stderr.write(`${name} could not measure: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(2);
}
