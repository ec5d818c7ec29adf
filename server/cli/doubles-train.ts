import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { CommandError } from './command.ts';

export const TRAIN_USAGE = `understudy doubles train DIR --name NAME [options]
  Makes a double of licensed footage of one person who has agreed to it (their younger self, say): the videos and pictures in DIR, a minute
  is enough. Tells what they lack and what to shoot next, and leaves the double with its card and the draft of a licence to be signed.
  --name NAME      the double's name and folder
  --out DIR        where its folder goes (default: models/doubles, where the server finds it when it starts)
  --report         only tells what the footage shows and lacks
  --age YEARS      takes only files of about this age; a file or folder named age-34 says its own
  --network NAME   puts the face into this bundled double's trained network (without: into the one that was trained to fit anybody)
  --drawn          puts it into none: the texture is drawn as it is, with the performer's own eyes and proportions
  --same-person    the files do show one person, though their faces measure differently
  --fictional      the footage shows an invented person: it may play without a signed licence
  --again          takes the place of the double of this name
`;

const WORKSHOP = fileURLToPath(new URL('../../scripts/own-double/main.ts', import.meta.url));

/** Makes a double, in a process of its own: the workshop is no part of what serves a set (server/docs/decisions/own-double.md). */
export async function doublesTrain(args: string[]): Promise<void> {
  const child = spawn(process.execPath, [WORKSHOP, ...args], { stdio: 'inherit' });
  // The terminal's Ctrl-C reaches the child too: it ends, and so do we.
  const wait = (): void => undefined;
  process.on('SIGINT', wait);
  try {
    const code = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (status) => resolve(status ?? 1));
    });
    if (code !== 0) throw new CommandError('No double was made.');
  } finally {
    process.off('SIGINT', wait);
  }
}
