import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Config, ConfigError, type ConfigInput, isLoopback, loadConfig } from '../config/config.ts';
import { createLog, type Log } from '../observe/log.ts';
import { type RunningServer, startServer } from '../stage/supervisor.ts';
import { onHangup } from './hangup.ts';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
const DEMO = fileURLToPath(new URL('../../models/demo/demo.mp4', import.meta.url));

const USAGE = `understudy serve [options]

  --config FILE   configuration (YAML); every key is explained in server/config/default.yaml; SIGHUP reads it again
  --host HOST     address to listen on (default 127.0.0.1: this machine only)
  --port N        port (default 8880)
  --data FOLDER   where settings and sessions are kept (default data/ in Understudy's own folder)
  --no-demo       without the demo feed`;

const NO_TLS = `Browsers give their camera to HTTPS pages only: on other machines than this one the camera page and /try will not see a
camera until server.tls names a certificate and its key (server/config/default.yaml). Monitors work.
`;

/**
 * Runs the server until Ctrl-C, which closes at once, or SIGTERM, which lets viewers keep their picture for server.drainSeconds;
 * a second signal cuts that short. SIGHUP reads the configuration again. Returns the exit code.
 */
export async function serve(args: string[]): Promise<number> {
  let started: { server: RunningServer; config: Config; log: Log; read(): Config; file: string | undefined };
  try {
    const asked = parse(args);
    if (!asked) {
      process.stdout.write(`${USAGE}\n`);
      return 0;
    }
    const read = (): Config => loadConfig(asked.file, asked.given);
    const config = read();
    const log = createLog(config.log);
    started = { config, log, read, file: asked.file, server: await startServer({ config, log }) };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
  const { server, log, read } = started;
  let { config } = started;
  const demo = config.stage.demo ? startDemo(server, config) : null;
  process.stdout.write(`${welcome(server, started.file)}\n`);
  if (!isLoopback(config.server.host) && !config.server.tls) process.stdout.write(`${NO_TLS}\n`);
  const { promise: terminalGone, resolve: gone } = Promise.withResolvers<'gone'>();
  const reload = (): void => {
    try {
      ({ config } = server.reload(read()));
    } catch (error) {
      log.error(`${error instanceof Error ? error.message : String(error)} Nothing was changed.`);
    }
  };
  const offHangup = onHangup({ reload, gone: () => gone('gone') });
  if ((await Promise.race([nextSignal(), terminalGone])) === 'SIGTERM') {
    process.stdout.write(`No new sessions; closing in ${config.server.drainSeconds} s or with the last monitor.\n`);
    await Promise.race([server.drain(), nextSignal(), terminalGone]);
  }
  process.stdout.write('Closing.\n');
  demo?.stop();
  await server.close();
  offHangup();
  return 0;
}

/** The configuration's file and what the command line says over it; null where only help is asked for. */
function parse(args: string[]): { file: string | undefined; given: ConfigInput } | null {
  const { values } = parseArgs({
    args,
    options: {
      config: { type: 'string' },
      host: { type: 'string' },
      port: { type: 'string' },
      data: { type: 'string' },
      'no-demo': { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return null;
  const server = {
    ...(values.host ? { host: values.host } : {}),
    ...(values.port === undefined ? {} : { port: portOf(values.port) }),
  };
  const stage = values['no-demo'] ? { demo: false } : {};
  return { file: values.config, given: { server, stage, store: values.data ? { dir: values.data } : {} } };
}

function nextSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    const heard = (signal: NodeJS.Signals): void => {
      process.off('SIGINT', heard);
      process.off('SIGTERM', heard);
      resolve(signal);
    };
    process.on('SIGINT', heard);
    process.on('SIGTERM', heard);
  });
}

function portOf(text: string): number {
  if (/^\d{1,5}$/.test(text)) return Number(text);
  throw new ConfigError(`"${text}" is not a port: give a number from 1 to 65535.`);
}

const PAGE_NAMES: Record<string, string> = {
  '/monitor?feed=demo': 'Monitor',
  '/monitor': 'Monitor',
  '/try': 'Try it on yourself',
  '/camera': 'Camera',
  '/': 'All pages',
};

function welcome({ url, links, apiToken }: RunningServer, file: string | undefined): string {
  return [
    '',
    'Understudy is running. Each link lets one browser in, once:',
    '',
    ...links.map((link) => `  ${(PAGE_NAMES[link.page] ?? link.page).padEnd(20)}${link.url}`),
    '',
    'From the command line:',
    `  npx understudy camera --file clip.mp4 --to ${url}/whip/a --token ${apiToken}`,
    `  npx understudy monitor --from ${url}/whep/a --token ${apiToken} --out take.mp4`,
    '',
    ...(file && process.platform !== 'win32' ? [`kill -HUP ${process.pid} reads ${file} again.`] : []),
    'Ctrl-C ends it.',
    '',
  ].join('\n');
}

/** The demo feed's camera: the headless camera on the bundled clip, started again if it ends. */
function startDemo({ url, apiToken }: RunningServer, { media }: Config): { stop(): void } {
  let stopped = false;
  let child: ReturnType<typeof spawn>;
  const run = (): void => {
    // The token goes by the environment: a command line can be read by other users of the machine.
    const how = media.engine === 'wrtc' ? ['--codec', 'vp8'] : ['--copy'];
    child = spawn(process.execPath, [MAIN, 'camera', '--file', DEMO, '--to', `${url}/whip/demo`, '--loop', ...how], {
      // What it says to a person at its own command line would only confuse here.
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, UNDERSTUDY_TOKEN: apiToken },
    });
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      said = chunk.toString();
    });
    child.once('exit', () => {
      if (!stopped) process.stderr.write(`The demo camera ended and starts again: ${said}`);
      if (!stopped) setTimeout(run, 2000).unref();
    });
  };
  run();
  return {
    stop() {
      stopped = true;
      child.kill('SIGTERM');
    },
  };
}
