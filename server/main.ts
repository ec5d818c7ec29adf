/** The command line of Understudy. */
import { parseArgs } from 'node:util';

const COMMANDS: Record<string, { summary: string; run(args: string[]): Promise<number> }> = {
  serve: {
    summary: 'run the server (what `npm start` does)',
    run: async (args) => (await import('./cli/serve.ts')).serve(args),
  },
  camera: {
    summary: 'publish a video file as a camera: understudy camera --file clip.mp4 --to URL --token TOKEN',
    run: async (args) => (await import('./cli/camera.ts')).camera(args),
  },
  monitor: {
    summary: 'receive a rendition into a file: understudy monitor --from URL --token TOKEN --out take.mp4',
    run: async (args) => (await import('./cli/monitor.ts')).monitor(args),
  },
  doctor: {
    summary: 'say what this machine has, what the networks run on and why, and what mends each gap (--json)',
    run: async (args) => (await import('./cli/doctor.ts')).doctor(args),
  },
  doubles: {
    summary: 'what can be done with doubles: understudy doubles --help',
    run: async (args) => (await import('./cli/doubles.ts')).doubles(args),
  },
  trace: {
    summary: 'follow one frame through every stage: understudy trace FEED --token TOKEN',
    run: async (args) => (await import('./cli/trace.ts')).trace(args),
  },
};

const help = (): string =>
  [
    'understudy: a performer’s face replaced live, from camera to monitor.',
    '',
    ...Object.entries(COMMANDS).map(([name, { summary }]) => `  understudy ${name.padEnd(8)} ${summary}`),
    '',
    '`understudy COMMAND --help` tells more.',
  ].join('\n');

async function main(): Promise<number> {
  const [name = 'help', ...args] = process.argv.slice(2);
  const command = COMMANDS[name];
  if (command) return command.run(args);
  const { values } = parseArgs({
    args: process.argv.slice(2),
    strict: false,
    options: { help: { type: 'boolean', short: 'h' } },
  });
  process.stdout.write(`${help()}\n`);
  if (name === 'help' || values.help) return 0;
  process.stderr.write(`There is no command "${name}".\n`);
  return 2;
}

process.exitCode = await main();
