/**
 * `npm run eval -- double --performances DIR [--clips DIR] [--double mara --double ivo] --out DIR [--json] [--quick]`: the engine's own
 * per-frame code over rendered performances, whose truth is known, and over cameras' clips. Writes contact sheets and side-by-side
 * clips (plate | program | truth) and results.json to --out. What each number means stands in server/docs/eval-double.md.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openDouble } from '../../server/double/open.ts';
import { publish, say } from '../bench/report.ts';
import { type AgeSummary, ageSummary, zeroError } from './double-age.ts';
import { type AllMeasured, gatesOf, type Measured, type Times } from './double-gates.ts';
import { type Run, type RunResult, runDouble } from './double-run.ts';
import { summaryOf, tidy } from './double-summary.ts';
import { MODELS_DIR, withEngine } from './engine.ts';
import { FaceReader } from './face-reader.ts';
import { isAlone, isSwept, type Performance, readPerformances } from './performances.ts';
import { ContactSheet } from './sheet.ts';
import { SideBySide } from './side-by-side.ts';
import { videosIn } from './video.ts';

const FULL = {
  maxFrames: Number.POSITIVE_INFINITY,
  every: 3,
  sheetEvery: 12,
  clips: Number.POSITIVE_INFINITY,
  timed: 150,
};
const QUICK = { maxFrames: 45, every: 9, sheetEvery: 15, clips: 3, timed: 40 };
const AGE_LOOK = join(MODELS_DIR, 'ages', 'retouch');
/** Ends of the age dial. */
const AGES = [
  { dial: -1, title: 'younger' },
  { dial: 1, title: 'older' },
] as const;
const CLIP_FPS = 30;

interface Settings {
  performances: Performance[];
  clips: string[];
  doubles: string[];
  out: string;
  pace: typeof FULL;
}

export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      performances: { type: 'string' },
      clips: { type: 'string' },
      double: { type: 'string', multiple: true, default: ['mara', 'ivo'] },
      out: { type: 'string', default: 'out/eval-double' },
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
    },
  });
  const began = performance.now();
  if (!values.performances && !values.clips)
    throw new Error('there is nothing to look at: name a folder with --performances DIR or --clips DIR.');
  const pace = values.quick ? QUICK : FULL;
  const settings: Settings = {
    performances: values.performances ? pick(readPerformances(values.performances), pace.clips) : [],
    clips: values.clips ? videosIn(values.clips).slice(0, pace.clips) : [],
    doubles: values.double,
    out: values.out,
    pace,
  };
  mkdirSync(values.out, { recursive: true });
  const all = await evaluate(settings);
  const gates = gatesOf(all);
  const details = { ...detailsOf(all), quick: values.quick };
  writeFileSync(join(values.out, 'results.json'), `${JSON.stringify({ gates, details }, null, 2)}\n`);
  say(`Contact sheets, side-by-side clips and results.json are in ${resolve(values.out)}.`);
  return publish('double', began, gates, details, values.json);
}

/** A few that show as much as possible: the first plain one, and the first of each kind that has gates of its own. */
function pick(all: Performance[], most: number): Performance[] {
  const chosen = [
    all.find((one) => one.video('truth-young') !== null),
    all.find((one) => isAlone(one) && isSwept(one) && !one.video('truth-young')),
    all.find((one) => isAlone(one) && one.still !== null),
    ...all,
  ].filter((one) => one !== undefined);
  return all.length <= most ? all : [...new Set(chosen)].slice(0, most);
}

async function evaluate(settings: Settings): Promise<AllMeasured> {
  const { performances, doubles } = settings;
  const all: AllMeasured = { doubles: [], ages: [], zero: [], times: [] };
  await withEngine(async ({ engine, runtime }) => {
    const reader = new FaceReader({ ...engine, runtime, modelsDir: MODELS_DIR });
    try {
      const open = (dir: string): Promise<Run['replacer']> => openDouble({ ...engine, runtime, dir });
      const perform = async (run: Omit<Run, 'replacer'>, dir: string): Promise<RunResult> =>
        runDouble(engine, reader, { ...run, replacer: await open(dir) });
      for (const double of doubles) all.doubles.push(...(await evaluateDouble(settings, double, perform)));
      for (const { dial, title } of AGES) all.ages.push(...(await evaluateAge(settings, dial, title, perform)));
      const aged = performances.find((one) => one.video('truth-young')) ?? performances[0];
      const plain = aged?.video('plate') ?? settings.clips[0];
      if (plain) all.zero.push(await zeroError(engine, await open(AGE_LOOK), plain, 20));
    } finally {
      reader.close();
    }
  });
  all.zero = all.zero.filter(Number.isFinite);
  all.times = timesOf(settings);
  return all;
}

type Perform = (run: Omit<Run, 'replacer'>, dir: string) => Promise<RunResult>;

async function evaluateDouble(settings: Settings, double: string, perform: Perform): Promise<Measured[]> {
  const { performances, clips, out, pace } = settings;
  const dir = double.includes('/') ? resolve(double) : join(MODELS_DIR, 'doubles', double);
  const name = basename(dir);
  const found: Measured[] = [];
  const film = new SideBySide(join(out, `${name}.mp4`), performances[0]?.fps ?? CLIP_FPS);
  const look = async (title: string, take: Pick<Run, 'plate' | 'truth' | 'performance'>): Promise<void> => {
    const sheet = new ContactSheet();
    film.cut();
    const result = await perform({ ...pace, ...take, name: title, params: {}, sheet, film }, dir);
    await sheet.write(join(out, `${name}-${title}.png`));
    const summary = summaryOf(result, take.performance);
    found.push({ double: name, clip: title, performance: take.performance, summary });
    const { frames, replaced_pct, psnr_db, ssim, light_de2000, light_levelled_de2000 } = summary;
    say(
      `${name} ${title}: ${frames} frames, ${replaced_pct.toFixed(0)} % replaced, ${psnr_db.toFixed(1)} dB, SSIM ${ssim.toFixed(3)}, ΔE ${light_de2000.toFixed(1)} (${light_levelled_de2000.toFixed(1)} but for the complexion)`,
    );
    for (const trouble of summary.troubles) say(`  ${trouble}`);
  };
  try {
    for (const one of performances)
      await look(one.name, { plate: one.video('plate')!, truth: one.video(`truth-${name}`), performance: one });
    for (const file of clips)
      await look(basename(file).replace(/\.[^.]+$/, ''), { plate: file, truth: null, performance: null });
    await film.write();
  } finally {
    film.close();
  }
  return found;
}

/** The age treatment at one end of its dial; only the younger end has a truth. */
async function evaluateAge(settings: Settings, dial: number, title: string, perform: Perform): Promise<AgeSummary[]> {
  const { performances, clips, out, pace } = settings;
  const aged = performances.filter((one) => one.video('truth-young'));
  const found: AgeSummary[] = [];
  const film = new SideBySide(join(out, `age-${title}.mp4`), performances[0]?.fps ?? CLIP_FPS);
  const look = async (name: string, take: Pick<Run, 'plate' | 'truth' | 'performance'>): Promise<void> => {
    const sheet = new ContactSheet();
    film.cut();
    const run = { ...pace, ...take, name, params: { age: dial }, sheet, film };
    const result = await perform(run, AGE_LOOK);
    await sheet.write(join(out, `age-${title}-${name}.png`));
    if (!take.truth) return;
    const summary = ageSummary(result, name);
    found.push(summary);
    say(`${title} ${name}: the young truth is ${summary.gain_pct.toFixed(1)} % nearer`);
  };
  try {
    for (const one of aged) {
      const truth = dial < 0 ? one.video('truth-young') : null;
      await look(one.name, { plate: one.video('plate')!, truth, performance: one });
    }
    for (const file of aged.length ? [] : clips.slice(0, 1))
      await look(basename(file).replace(/\.[^.]+$/, ''), { plate: file, truth: null, performance: null });
    await film.write();
  } finally {
    film.close();
  }
  return found;
}

/** Times every double in a process of its own that has one core. */
function timesOf({ performances, clips, doubles, pace }: Settings): Times[] | string {
  const clip = performances.find(isAlone)?.video('plate') ?? performances[0]?.video('plate') ?? clips[0];
  if (!clip) return 'there is no clip to time';
  if (process.platform !== 'linux' || spawnSync('taskset', ['--version']).status !== 0)
    return 'a process is held on one core with taskset, which this machine does not have';
  const times: Times[] = [];
  for (const double of doubles) {
    const dir = double.includes('/') ? resolve(double) : join(MODELS_DIR, 'doubles', double);
    const script = fileURLToPath(new URL('double-time.ts', import.meta.url));
    const { stdout, stderr, status } = spawnSync(
      'taskset',
      ['-c', '0', process.execPath, script, clip, dir, String(pace.timed)],
      { encoding: 'utf8' },
    );
    const last = stdout?.trim().split('\n').at(-1);
    if (status !== 0 || !last) return `timing failed: ${stderr.trim().split('\n').at(-1)}`;
    times.push({ double: basename(dir), ...(JSON.parse(last) as Omit<Times, 'double'>) });
  }
  return times;
}

function detailsOf({ doubles, ages, zero, times }: AllMeasured): Record<string, unknown> {
  const clips = doubles.map(({ double, clip, summary }) => ({ double, clip, ...summary }));
  return tidy({ clips, ages, zero, times, lpips: 'not measured: its weights are not at hand' }) as Record<
    string,
    unknown
  >;
}
