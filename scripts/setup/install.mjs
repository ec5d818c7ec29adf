/** Installs exactly what package-lock.json names, when that is not what is there. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pinnedNodePath } from './platform.mjs';
import { run, SetupError, step, tail } from './steps.mjs';

/** @typedef {Record<string, { version?: string, integrity?: string, optional?: boolean }>} Packages */

const NOT_REACHED = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT/;

/** @param {string} root */
const stampFile = (root) => join(root, 'node_modules', '.understudy-setup');

/** @param {string} root */
function lockHash(root) {
  const lock = readFileSync(join(root, 'package-lock.json'));
  return createHash('sha256').update(lock).update(`${process.platform}-${process.arch}`).digest('hex');
}

/**
 * The Node that everything after the setup runs on.
 * @param {string} root
 */
export function pinnedNode(root) {
  const path = pinnedNodePath();
  if (path === null) throw new SetupError(`there is no pinned Node for ${process.platform} ${process.arch}`);
  return join(root, 'node_modules', path);
}

/**
 * Whether node_modules is what package-lock.json asks for, by the stamp that the last setup left.
 * @param {string} root
 */
export function isInstalled(root) {
  try {
    return readFileSync(stampFile(root), 'utf8') === lockHash(root) && existsSync(pinnedNode(root));
  } catch {
    return false;
  }
}

/**
 * Whether npm itself, asked by hand, has already put everything there: then nothing is thrown away.
 * @param {string} root
 */
function wasInstalledByHand(root) {
  if (!existsSync(pinnedNode(root))) return false;
  try {
    const wanted = packagesOf(join(root, 'package-lock.json'));
    const present = packagesOf(join(root, 'node_modules', '.package-lock.json'));
    const names = new Set([...Object.keys(wanted), ...Object.keys(present)].filter((name) => name !== ''));
    return [...names].every((name) => {
      const want = wanted[name];
      const have = present[name];
      if (!want) return false;
      // An optional package for another platform is rightly absent.
      return have ? have.version === want.version && have.integrity === want.integrity : want.optional === true;
    });
  } catch {
    return false;
  }
}

/**
 * @param {string} file
 * @returns {Packages}
 */
function packagesOf(file) {
  return /** @type {{ packages: Packages }} */ (JSON.parse(readFileSync(file, 'utf8'))).packages;
}

/** @param {string} root */
export async function install(root) {
  if (!wasInstalledByHand(root)) {
    const count = Object.keys(packagesOf(join(root, 'package-lock.json'))).length - 1;
    await step(`installing packages (up to ${count}; a few hundred MB the first time)`, () => npmInstall(root));
  }
  if (!existsSync(pinnedNode(root))) {
    throw new SetupError(
      `npm finished, but left out the pinned Node (${pinnedNode(root)}): its settings may leave optional packages out.`,
    );
  }
  linkPinnedNode(root);
  writeFileSync(stampFile(root), lockHash(root));
}

/**
 * Lets programs that npm starts by name (`npx biome`) run on the pinned Node too. npm 11 and newer have already done it.
 * @param {string} root
 */
function linkPinnedNode(root) {
  const link = join(root, 'node_modules', '.bin', 'node');
  if (process.platform === 'win32' || existsSync(link)) return;
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(join('..', pinnedNodePath() ?? ''), link);
}

/** @param {string} root */
async function npmInstall(root) {
  // A person's own npm settings may leave out development or optional packages, or refuse to go on under an older Node.
  const settings = ['--include=dev', '--include=optional', '--ignore-scripts', '--no-engine-strict'];
  const quiet = ['--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error'];
  // `ci` clears node_modules first, and Windows does not remove the Node that is running this.
  const command = process.platform === 'win32' && existsSync(join(root, 'node_modules')) ? 'install' : 'ci';
  const npm = npmCommand();
  const ask = (/** @type {string[]} */ args) =>
    run(npm.program, [...npm.args, ...args], { cwd: root, shell: npm.shell });
  // Without a network npm would try every package in turn, for minutes. Asked once, it knows at once.
  const reached = await ask(['ping', '--fetch-retries=1', '--fetch-retry-mintimeout=1000', '--fetch-timeout=20000']);
  if (reached.code !== 0 && NOT_REACHED.test(reached.output)) throw new SetupError(whyInstallFailed(reached.output, 1));
  const { code, output } = await ask([command, ...settings, ...quiet]);
  if (code !== 0) throw new SetupError(whyInstallFailed(output, code));
}

/** npm itself: the one that started us, or else the one on the PATH. */
function npmCommand() {
  const own = process.env.npm_execpath;
  if (own && basename(own) === 'npm-cli.js' && existsSync(own)) {
    // The Node that runs npm must not lie in the folder that npm is about to clear.
    return { program: process.env.npm_node_execpath ?? process.execPath, args: [own], shell: false };
  }
  return { program: 'npm', args: [], shell: process.platform === 'win32' };
}

/**
 * @param {string} output
 * @param {number} code
 */
export function whyInstallFailed(output, code) {
  if (
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT/.test(output)
  ) {
    return 'The packages could not be fetched, because the npm registry was not reached: connect this machine to the network (or set npm’s proxy), and run the command again.';
  }
  if (/ENOSPC/.test(output)) {
    return 'The packages did not fit on the disk: free at least 2 GB, and run the command again.';
  }
  if (/\b(EACCES|EPERM|EROFS)\b/.test(output)) {
    return `npm may not write into this folder or its cache: give yourself the right to, or clone the project elsewhere.\n${tail(output, 6)}`;
  }
  if (/EUSAGE/.test(output)) {
    return 'package.json and package-lock.json do not agree: whoever changed one of them has to run “npm install” and commit both.';
  }
  // npm says first what is wrong, and then how it is used.
  const said = output.split('\n').filter((line) => line.startsWith('npm error'));
  return `npm could not install the packages (exit code ${code}). It said:\n${said.slice(0, 12).join('\n') || tail(output)}`;
}
