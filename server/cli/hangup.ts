import { closeSync, openSync } from 'node:fs';

/**
 * What SIGHUP means: `reload` where somebody sent it, `gone` where the terminal that the server was started on has closed. Windows
 * has the second only. Returns what takes the handlers off again.
 */
export function onHangup(handlers: { reload(): void; gone(): void }): () => void {
  const onTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  const heard = (): void => {
    if (process.platform === 'win32' || (onTerminal && !terminalThere())) {
      // Nobody reads any more: a line that cannot be written must not end the server before it has closed.
      for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
      handlers.gone();
    } else handlers.reload();
  };
  process.on('SIGHUP', heard);
  return () => process.off('SIGHUP', heard);
}

/** Whether this process still has its terminal: without one, /dev/tty cannot be opened (tty(4)). */
function terminalThere(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}
