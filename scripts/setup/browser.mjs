/** Finds a Chromium or Chrome for the browser tests and benches, and installs one where the system lets us. */
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { run, step } from './steps.mjs';

/** @typedef {{ path: string, why?: never } | { path: null, why: string }} Browser */

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome', 'microsoft-edge'];

/** @returns {string[]} */
function usualPlaces() {
  const { env, platform } = process;
  if (platform === 'darwin') {
    const inside = ['Google Chrome', 'Chromium', 'Microsoft Edge'].map((app) => `${app}.app/Contents/MacOS/${app}`);
    return ['/Applications', join(env.HOME ?? '', 'Applications')].flatMap((folder) =>
      inside.map((path) => join(folder, path)),
    );
  }
  if (platform === 'win32') {
    const folders = [env.PROGRAMFILES, env['PROGRAMFILES(X86)'], env.LOCALAPPDATA].filter(
      (folder) => folder !== undefined,
    );
    const inside = [
      'Google/Chrome/Application/chrome.exe',
      'Chromium/Application/chrome.exe',
      'Microsoft/Edge/Application/msedge.exe',
    ];
    return folders.flatMap((folder) => inside.map((path) => join(folder, path)));
  }
  return ['/snap/bin/chromium', '/usr/lib/chromium/chromium'];
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * Ubuntu's chromium-browser may be a short script that only says which snap to install.
 * @param {string} path
 */
function isPlaceholder(path) {
  return statSync(path).size < 10_000 && readFileSync(path, 'utf8').includes('snap install');
}

/**
 * The browser that tests drive: CHROME_PATH, else one on the PATH, else one in its system's usual places. Where there
 * is none, `why` is the sentence to say and to skip with.
 * @returns {Browser}
 */
export function findBrowser() {
  const asked = process.env.CHROME_PATH;
  if (asked) {
    if (isExecutable(asked)) return { path: asked };
    return { path: null, why: `CHROME_PATH names ${asked}, which is no program: correct it, or unset it.` };
  }
  const endings = process.platform === 'win32' ? ['.exe'] : [''];
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const onPath = folders.flatMap((folder) =>
    NAMES.flatMap((name) => endings.map((ending) => join(folder, name + ending))),
  );
  const path = [...onPath, ...usualPlaces()].find((candidate) => isExecutable(candidate) && !isPlaceholder(candidate));
  return path ? { path } : { path: null, why: `No Chromium or Chrome was found: ${howToInstall()}` };
}

function howToInstall() {
  const advice = new Map([
    ['darwin', '“brew install --cask google-chrome” installs one'],
    ['win32', '“winget install Google.Chrome” installs one'],
  ]);
  const linux = 'install the package “chromium” (or Google Chrome) as root';
  return `${advice.get(process.platform) ?? linux}, or set CHROME_PATH to one you have.`;
}

/** Package managers that install a Chromium without a question, by the program that tells of them. */
const MANAGERS = [
  {
    program: 'apt-get',
    commands: [
      ['apt-get', 'update'],
      ['apt-get', 'install', '--yes', '--no-install-recommends', 'chromium'],
    ],
  },
  { program: 'dnf', commands: [['dnf', 'install', '--assumeyes', 'chromium']] },
  { program: 'zypper', commands: [['zypper', '--non-interactive', 'install', 'chromium']] },
  { program: 'pacman', commands: [['pacman', '--sync', '--refresh', '--noconfirm', 'chromium']] },
];

/**
 * Finds a browser or, as root on a Linux with a known package manager, installs one. Never throws: whoever needs the
 * browser skips, and says why.
 * @returns {Promise<Browser>}
 */
export async function ensureBrowser() {
  const found = findBrowser();
  if (found.path !== null || process.env.CHROME_PATH || process.platform !== 'linux' || process.getuid?.() !== 0)
    return found;
  const folders = (process.env.PATH ?? '').split(delimiter);
  const manager = MANAGERS.find(({ program }) => folders.some((folder) => isExecutable(join(folder, program))));
  if (!manager) return found;
  const failed = await step(`installing Chromium (${manager.program})`, async () => {
    for (const [program = '', ...args] of manager.commands) {
      const { code, output } = await run(program, args, { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
      if (code !== 0) return `“${[program, ...args].join(' ')}” failed (${lastLine(output)})`;
    }
    return null;
  });
  const now = findBrowser();
  if (now.path !== null || failed === null) return now;
  return { path: null, why: `No Chromium could be installed, as ${failed}: ${howToInstall()}` };
}

/** @param {string} output */
function lastLine(output) {
  return output.trim().split('\n').at(-1)?.trim() ?? '';
}
