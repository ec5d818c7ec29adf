/**
 * The keeper process: it keeps what outlives the others. Started and watched by main; talks to the front over a local socket; touches
 * no picture and no network.
 */
import { createLog } from '../observe/log.ts';
import { Keeper } from './keeper.ts';
import { type FromKeeperProcess, toKeeperProcess } from './process-messages.ts';

if (!process.send) {
  process.stderr.write('This is the keeper of Understudy and is started by the server: run `npm start` instead.\n');
  process.exit(2);
}

// Nobody else on this machine reads what is kept.
process.umask(0o077);
let keeper: Keeper | null = null;
process.on('message', (raw) => {
  const message = toKeeperProcess.parse(raw);
  if (message.type === 'start')
    keeper ??= new Keeper({ ...message, log: createLog({ ...message.log, name: 'keeper' }) });
  else if (message.type === 'ping') process.send?.({ type: 'pong' } satisfies FromKeeperProcess);
  else void stop();
});
// Main ends its children in their order, the keeper last; its own end is ours.
process.on('disconnect', () => void stop());
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

let stopping = false;
async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  await keeper?.close();
  process.exit(0);
}
