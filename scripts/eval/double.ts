/**
 * `npm run eval -- double [--performances DIR] [--clips DIR] [--double mara --double ivo] [--trained DIR] [--age reage] [--only-age] [--cast] [--no-make] --out DIR [--json] [--quick]`:
 * the engine's own per-frame code over rendered performances, whose truth is known, and over cameras' clips. Where no performances are named, they and a double made of footage are
 * rendered once and kept (material.ts; with --no-make and --quick only what is there is looked at), beside the clips that are named or lie beside the checkout; without any, the demo clip.
 * Writes contact sheets and side-by-side clips (plate | program | truth) and results.json to --out. What each number means stands in server/docs/eval-double.md.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadConfig } from '../../server/config/config.ts';
import { openDouble } from '../../server/double/open.ts';
import { publish, say } from '../bench/report.ts';
import { asCast, faceAtRest } from './at-rest.ts';
import { type AgeSummary, ageSummary, zeroError } from './double-age.ts';
import { type AllMeasured, gatesOf, type Measured, type Times } from './double-gates.ts';
import { type Run, type RunResult, runDouble } from './double-run.ts';
import { summaryOf, tidy } from './double-summary.ts';
import { DEMO, type EngineParts, MODELS_DIR, withEngine } from './engine.ts';
import { ExpressionRuler } from './expression-ruler.ts';
import { FaceReader } from './face-reader.ts';
import { BUNDLED, clipsBeside, findMaterial, type Material } from './material.ts';
import { isAlone, isSwept, type Performance, readPerformances } from './performances.ts';
import { ContactSheet } from './sheet.ts';
import { SideBySide } from './side-by-side.ts';
import { videosIn } from './video.ts';
import { type CrossingSummary, crossing } from './wrong-person.ts';

const FULL = {
  maxFrames: Number.POSITIVE_INFINITY,
  every: 3,
  sheetEvery: 12,
  clips: Number.POSITIVE_INFINITY,
  timed: 150,
};
const QUICK = { maxFrames: 40, every: 9, sheetEvery: 15, clips: 3, timed: 40 };
/** Ends of the age dial. */
const AGES = [
  { dial: -1, title: 'younger' },
  { dial: 1, title: 'older' },
] as const;
const CLIP_FPS = 30;
/** So many takes share a film's ten seconds. */
const FILMED = 5;

interface Settings {
  /** Of one person each. */
  performances: Performance[];
  /** Of several people. */
  crossings: Performance[];
  clips: string[];
  doubles: string[];
  /** The folder of a double that `doubles train` made, called like its truths (truth-NAME.mkv). */
  trained: string | null;
  /** Folder of the age treatment. */
  age: string;
  out: string;
  pace: typeof FULL;
  /** Whether what stands before faces is left out. */
  occlusion: boolean;
  /** Whether performers were asked for a neutral face, as when they are cast. */
  cast: boolean;
}

export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    allowNegative: true,
    options: {
      performances: { type: 'string' },
      clips: { type: 'string' },
      double: { type: 'string', multiple: true, default: BUNDLED },
      trained: { type: 'string' },
      age: { type: 'string', default: 'reage' },
      'only-age': { type: 'boolean', default: false },
      cast: { type: 'boolean', default: false },
      make: { type: 'boolean', default: true },
      out: { type: 'string', default: 'out/eval-double' },
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      occlusion: { type: 'boolean', default: loadConfig().engine.occlusion },
    },
  });
  const began = performance.now();
  const pace = values.quick ? QUICK : FULL;
  const onlyAge = values['only-age'];
  const material = await materialFor(values, values.make && !values.quick);
  const all = material.performances ? readPerformances(material.performances) : [];
  const rendered = onlyAge ? all.filter((one) => one.video('truth-young')) : all;
  const clips = material.clips ? videosIn(material.clips) : rendered.length === 0 ? [DEMO] : [];
  const settings: Settings = {
    performances: pick(rendered.filter(isAlone), pace.clips),
    crossings: rendered.filter((one) => !isAlone(one)).slice(0, pace.clips),
    clips: clips.slice(0, pace.clips),
    doubles: onlyAge ? [] : values.double,
    trained: material.trained && !onlyAge ? resolve(material.trained) : null,
    age: folderOf(values.age, 'ages'),
    out: values.out,
    pace,
    occlusion: values.occlusion,
    cast: values.cast,
  };
  mkdirSync(values.out, { recursive: true });
  const measured = await evaluate(settings);
  const gates = gatesOf(measured);
  const details = { ...detailsOf(measured), cast: settings.cast, quick: values.quick };
  writeFileSync(join(values.out, 'results.json'), `${JSON.stringify({ gates, details }, null, 2)}\n`);
  say(`Contact sheets, side-by-side clips and results.json are in ${resolve(values.out)}.`);
  return publish('double', began, gates, details, values.json);
}

interface Named {
  performances?: string;
  clips?: string;
  trained?: string;
}

/** What was named; where no performances were, what is found or made. */
async function materialFor(named: Named, make: boolean): Promise<Material & { clips: string | null }> {
  const { performances = null, trained = null, clips = null } = named;
  if (performances) return { performances, trained, clips };
  const found = await findMaterial(make).catch((error: unknown) => {
    say(`No performances were made: ${error instanceof Error ? error.message : String(error)}`);
    return findMaterial(false);
  });
  return { performances: found.performances, trained: trained ?? found.trained, clips: clips ?? clipsBeside() };
}

/** A few that show as much as possible: the first plain one, and the first of each kind that has gates of its own. */
function pick(all: Performance[], most: number): Performance[] {
  const chosen = [
    all.find((one) => one.video('truth-young') !== null),
    all.find((one) => isSwept(one) && !one.video('truth-young')),
    all.find((one) => one.still !== null),
    ...all,
  ].filter((one) => one !== undefined);
  return all.length <= most ? all : [...new Set(chosen)].slice(0, most);
}

async function evaluate(settings: Settings): Promise<AllMeasured> {
  const { performances, doubles } = settings;
  const all: AllMeasured = { doubles: [], trained: [], crossings: [], ages: [], zero: [], times: [] };
  await withEngine(async ({ engine, runtime }) => {
    const reader = await FaceReader.open({ ...engine, runtime, modelsDir: MODELS_DIR });
    const ruler = await ExpressionRuler.open({ ...engine, runtime });
    try {
      const open = (dir: string): Promise<Run['replacer']> => openDouble({ ...engine, runtime, dir });
      const perform = async (run: Omit<Run, 'replacer'>, dir: string): Promise<RunResult> => {
        const rest = settings.cast && run.performance ? await faceAtRest(engine, run.performance) : null;
        return runDouble(engine, { reader, ruler }, { ...run, replacer: asCast(await open(dir), rest) });
      };
      for (const double of doubles) all.doubles.push(...(await evaluateDouble(settings, double, perform)));
      if (settings.trained) all.trained.push(...(await evaluateTrained(settings, settings.trained, perform)));
      for (const one of settings.crossings) all.crossings.push(await evaluateCrossing(engine, settings, one, open));
      for (const { dial, title } of AGES) all.ages.push(...(await evaluateAge(settings, dial, title, perform)));
      const aged = performances.find((one) => one.video('truth-young')) ?? performances[0];
      const plain = aged?.video('plate') ?? settings.clips[0];
      if (plain) all.zero.push(await zeroError(engine, await open(settings.age), plain, 20));
    } finally {
      reader.close();
      ruler.close();
    }
  }, settings.occlusion);
  all.zero = all.zero.filter(Number.isFinite);
  all.times = timesOf(settings);
  return all;
}

type Perform = (run: Omit<Run, 'replacer'>, dir: string) => Promise<RunResult>;
type TakeOf = Pick<Run, 'name' | 'plate' | 'truth' | 'performance'>;

const takesOf = (clips: readonly string[]): TakeOf[] =>
  clips.map((file) => ({
    name: basename(file).replace(/\.[^.]+$/, ''),
    plate: file,
    truth: null,
    performance: null,
  }));

/** Runs one look over several takes: a contact sheet of each, and parts of some of them in one film, named `title`. */
async function runAll(
  settings: Settings,
  title: string,
  takes: readonly TakeOf[],
  work: { perform: Perform; dir: string; params: Run['params'] },
): Promise<{ take: TakeOf; result: RunResult }[]> {
  const { out, pace } = settings;
  const filmed = takes.filter((_, i) => i % Math.ceil(takes.length / FILMED) === 0);
  const fps = settings.performances[0]?.fps ?? CLIP_FPS;
  const film = new SideBySide(join(out, `${title}.mp4`), fps, filmed.length);
  const found: { take: TakeOf; result: RunResult }[] = [];
  try {
    for (const take of takes) {
      const sheet = new ContactSheet();
      film.cut();
      const run = { ...pace, ...take, params: work.params, sheet, film: filmed.includes(take) ? film : null };
      const result = await work.perform(run, work.dir);
      await sheet.write(join(out, `${title}-${take.name}.png`));
      found.push({ take, result });
      say(`${title} ${take.name}: ${result.frames} frames, ${result.replaced} of them treated`);
      for (const trouble of result.troubles) say(`  ${trouble}`);
    }
    await film.write();
  } finally {
    film.close();
  }
  return found;
}

async function evaluateDouble(settings: Settings, double: string, perform: Perform): Promise<Measured[]> {
  const dir = folderOf(double);
  const name = basename(dir);
  const takes = settings.performances.map(
    (one): TakeOf => ({
      name: one.name,
      plate: one.video('plate')!,
      truth: one.video(`truth-${name}`),
      performance: one,
    }),
  );
  const all = [...takes, ...takesOf(settings.clips)];
  const found = await runAll(settings, name, all, { perform, dir, params: {} });
  return found.map(({ take: { name: clip, performance }, result }) => ({
    double: name,
    clip,
    performance,
    summary: summaryOf(result, performance),
  }));
}

/** A double made from footage, where there is a truth for it. */
function evaluateTrained(settings: Settings, trained: string, perform: Perform): Promise<Measured[]> {
  const performances = settings.performances.filter((one) => one.video(`truth-${basename(trained)}`));
  return evaluateDouble({ ...settings, performances, clips: [] }, trained, perform);
}

/** Everybody in a double of their own, by turns of those evaluated. */
async function evaluateCrossing(
  engine: EngineParts,
  { doubles, out }: Settings,
  performance: Performance,
  open: (dir: string) => Promise<Run['replacer']>,
): Promise<CrossingSummary> {
  const looks: Run['replacer'][] = [];
  for (const person of performance.people.keys()) looks.push(await open(folderOf(doubles[person % doubles.length]!)));
  const sheet = new ContactSheet();
  const summary = await crossing(engine, performance, looks, sheet);
  await sheet.write(join(out, `crossing-${performance.name}.png`));
  say(`${performance.name}: ${summary.wrong} of ${summary.frames} frames with a double on the wrong person`);
  return summary;
}

/** The age treatment at one end of its dial; only the younger end has a truth. */
async function evaluateAge(
  settings: Settings,
  dial: number,
  title: (typeof AGES)[number]['title'],
  perform: Perform,
): Promise<AgeSummary[]> {
  const aged = settings.performances.filter((one) => one.video('truth-young'));
  const takes = aged.map(
    (one): TakeOf => ({
      name: one.name,
      plate: one.video('plate')!,
      truth: dial < 0 ? one.video('truth-young') : null,
      performance: one,
    }),
  );
  const all = takes.length ? takes : takesOf(settings.clips.slice(0, 1));
  const found = await runAll(settings, `age-${title}`, all, { perform, dir: settings.age, params: { age: dial } });
  const look = basename(settings.age);
  return takes.length ? found.map(({ take, result }) => ageSummary(result, { look, end: title, clip: take.name })) : [];
}

const folderOf = (look: string, shelf: 'doubles' | 'ages' = 'doubles'): string =>
  look.includes('/') ? resolve(look) : join(MODELS_DIR, shelf, look);

/** Times every double in a process of its own that has one core. */
function timesOf({ performances, clips, doubles, pace, occlusion }: Settings): Times[] | string {
  const clip = performances[0]?.video('plate') ?? clips[0];
  if (!clip) return 'there is no clip to time';
  if (process.platform !== 'linux' || spawnSync('taskset', ['--version']).status !== 0)
    return 'a process is held on one core with taskset, which this machine does not have';
  const times: Times[] = [];
  for (const double of doubles) {
    const dir = folderOf(double);
    const script = fileURLToPath(new URL('double-time.ts', import.meta.url));
    const { stdout, stderr, status } = spawnSync(
      'taskset',
      ['-c', '0', process.execPath, script, clip, dir, String(pace.timed), occlusion ? 'on' : 'off'],
      { encoding: 'utf8' },
    );
    const last = stdout?.trim().split('\n').at(-1);
    if (status !== 0 || !last) return `timing failed: ${stderr.trim().split('\n').at(-1)}`;
    times.push({ double: basename(dir), ...(JSON.parse(last) as Omit<Times, 'double'>) });
  }
  return times;
}

function detailsOf({ doubles, trained, crossings, ages, zero, times }: AllMeasured): Record<string, unknown> {
  const told = (all: readonly Measured[]) => all.map(({ double, clip, summary }) => ({ double, clip, ...summary }));
  return tidy({
    clips: told(doubles),
    trained: told(trained),
    crossings,
    ages,
    zero,
    times,
    lpips: 'not measured: its weights are not at hand',
  }) as Record<string, unknown>;
}
