import { spawn } from 'node:child_process';
import { constants } from 'node:os';

/**
 * Runs a program on the given Node as if it were this process: same terminal, signals passed on, its exit code.
 * @param {string} node
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<number>} the exit code; 128 + the signal's number where a signal ended it, as a shell says it
 */
export function runPinned(node, args, options = {}) {
  return new Promise((settle, fail) => {
    const child = spawn(node, args, { ...options, stdio: 'inherit' });
    // A terminal sends Ctrl-C to the child too: here it only must not end the parent before the child is through.
    const ignore = () => {};
    const passOn = (/** @type {NodeJS.Signals} */ signal) => void child.kill(signal);
    const orphaned = watchForOrphaning(() => passOn('SIGTERM'));
    process.on('SIGINT', ignore);
    process.on('SIGTERM', passOn);
    process.on('SIGHUP', passOn);
    child.on('error', fail);
    child.on('close', (code, signal) => {
      clearInterval(orphaned);
      process.off('SIGINT', ignore);
      process.off('SIGTERM', passOn);
      process.off('SIGHUP', passOn);
      settle(code ?? 128 + (signal ? constants.signals[signal] : 1));
    });
  });
}

/**
 * A signal to npm ends the shell that npm started us in, and that shell passes nothing on: without this, `npm start`
 * stopped by a service manager would leave the server running. Outside npm, to outlive one's parent is legitimate.
 * @param {() => void} onOrphaned
 */
function watchForOrphaning(onOrphaned) {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (!process.env.npm_lifecycle_event || process.ppid === parent) return;
    clearInterval(timer);
    onOrphaned();
  }, 500);
  return timer;
}
