/** The camera with sound of `bench soak` and the monitor that listens to it, in a process of their own. */
import { quietCodecs } from '../../server/engine/quiet.ts';
import { type AvOffset, measureAvOffset } from './av-offset.ts';

export type SoundOrder =
  | { order: 'measure'; url: string; token: string; seconds: number; settleMs: number }
  | { order: 'close' };
export type SoundAnswer = { answer: 'measured'; offset: AvOffset } | { answer: 'failed'; sentence: string };

const say = (answer: SoundAnswer): void => void process.send?.(answer);

if (process.send) {
  quietCodecs();
  process.on('SIGINT', () => undefined);
  process.on('message', (order: SoundOrder) => {
    if (order.order === 'close') process.exit(0);
    const { url, token, seconds, settleMs } = order;
    measureAvOffset({ seconds, settleMs, server: { url, apiToken: token } }).then(
      (offset) => say({ answer: 'measured', offset }),
      (error: unknown) => say({ answer: 'failed', sentence: error instanceof Error ? error.message : String(error) }),
    );
  });
  process.on('disconnect', () => process.exit(0));
}
