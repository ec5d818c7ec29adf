import { CommandError, runCommand } from './command.ts';

interface Verb {
  usage: string;
  run(args: string[]): Promise<void>;
}

/** What can be done with doubles, one file each. */
const VERBS: Record<string, () => Promise<Verb>> = {
  add: async () => {
    const { ADD_USAGE, doublesAdd } = await import('./doubles-add.ts');
    return { usage: ADD_USAGE, run: doublesAdd };
  },
  build: async () => {
    const { BUILD_USAGE, doublesBuild } = await import('./doubles-build.ts');
    return { usage: BUILD_USAGE, run: doublesBuild };
  },
  train: async () => {
    const { TRAIN_USAGE, doublesTrain } = await import('./doubles-train.ts');
    return { usage: TRAIN_USAGE, run: doublesTrain };
  },
};

/** `understudy doubles VERB …`. */
export async function doubles([name = '', ...args]: string[]): Promise<number> {
  const verb = await VERBS[name]?.();
  const usage =
    verb?.usage ?? (await Promise.all(Object.values(VERBS).map(async (load) => (await load()).usage))).join('\n');
  return runCommand(verb ? args : [name, ...args], usage, async () => {
    if (!verb)
      throw new CommandError(
        `Say what to do with doubles: ${Object.keys(VERBS).join(', ')}. \`understudy doubles --help\` tells more.`,
      );
    await verb.run(args);
  });
}
