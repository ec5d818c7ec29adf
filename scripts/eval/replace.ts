/**
 * `npm run eval -- replace [--clips DIR] --out DIR [--look NAME] [--json] [--quick]`: the engine's own per-frame code over
 * every video of a folder (where none is named, of the clips beside the checkout) and the demo clip. Writes contact sheets (plate | program) and results.json to --out.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { loadConfig } from '../../server/config/config.ts';
import { openDouble } from '../../server/double/open.ts';
import type { Replacer } from '../../server/double/replacer.ts';
import { type Gate, gate, median, publish, say } from '../bench/report.ts';
import { type ClipResult, runClip } from './clip-run.ts';
import { DEMO, MODELS_DIR, withEngine } from './engine.ts';
import { readLabels } from './labels.ts';
import { clipsBeside } from './material.ts';
import { Portrait } from './portrait.ts';
import { ContactSheet } from './sheet.ts';
import { videosIn } from './video.ts';

const FULL = { maxFrames: Number.POSITIVE_INFINITY, every: 4, sheetEvery: 16 };
const QUICK = { maxFrames: 40, every: 8, sheetEvery: 20 };

export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    allowNegative: true,
    options: {
      clips: { type: 'string' },
      out: { type: 'string', default: 'out/eval-replace' },
      look: { type: 'string' },
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      occlusion: { type: 'boolean', default: loadConfig().engine.occlusion },
    },
  });
  const began = performance.now();
  const files = videosOf(values.clips ?? clipsBeside());
  if (files.length === 0) throw new Error('there is nothing to look at: name a folder with videos with --clips DIR.');
  mkdirSync(values.out, { recursive: true });
  const results = await evaluate(
    files,
    values.look ?? defaultLook(),
    values.out,
    values.quick ? QUICK : FULL,
    values.occlusion,
  );
  const gates = gatesOf(results);
  const details = { clips: Object.fromEntries([...results].map(([name, result]) => [name, summary(result)])) };
  writeFileSync(join(values.out, 'results.json'), `${JSON.stringify({ gates, details }, null, 2)}\n`);
  say(`Contact sheets and results.json are in ${resolve(values.out)}.`);
  return publish('replace', began, gates, details, values.json);
}

const videosOf = (folder: string | null): string[] => [
  ...(folder ? videosIn(folder) : []),
  ...(existsSync(DEMO) ? [DEMO] : []),
];

/** The look that the server gives a feed by default. */
const defaultLook = (): string => loadConfig().stage.look;

async function evaluate(
  files: string[],
  look: string,
  out: string,
  pace: typeof FULL,
  occlusion: boolean,
): Promise<Map<string, ClipResult>> {
  const dir = look.includes('/') ? resolve(look) : join(MODELS_DIR, 'doubles', look);
  const results = new Map<string, ClipResult>();
  await withEngine(async ({ engine, runtime }) => {
    const replacer = (): Promise<Replacer> => openDouble({ ...engine, runtime, dir });
    for (const file of files) {
      const name = basename(file).replace(/\.[^.]+$/, '');
      const sheet = new ContactSheet();
      const result = await runClip({ ...engine, replacer }, { ...pace, file, labels: readLabels(file), sheet });
      await sheet.write(join(out, `${name}.png`));
      results.set(name, result);
      say(
        `${name}: ${result.frames} frames, ${result.replacedFaces} faces replaced, ${result.leakedFrames} frames leaked`,
      );
      for (const trouble of result.troubles) say(`  ${trouble}`);
    }
  }, occlusion);
  return results;
}

function gatesOf(results: Map<string, ClipResult>): Gate[] {
  const all = [...results.values()];
  const sum = (of: (result: ClipResult) => number): number => all.reduce((total, result) => total + of(result), 0);
  const pool = (of: (result: ClipResult) => number[]): number[] => all.flatMap(of).filter(Number.isFinite);
  const labelled = sum((r) => r.labelled);
  const inYaw = sum((r) => r.inYaw);
  const unlabelled = 'no clip has labels (NAME.faces.json)';
  const labelGate = (id: string, op: Gate['op'], limit: number, value: number): Gate =>
    gate(id, op, limit, labelled > 0 ? [value] : [], unlabelled);
  const decoys = all.flatMap((r) => r.decoyReplacedFrames ?? []);
  const midGate = (id: string, op: Gate['op'], limit: number, values: number[]): Gate =>
    gate(id, op, limit, values.length ? [median(values)] : [], 'no face was replaced');
  return [
    labelGate(
      'leaked_frames',
      '==',
      0,
      sum((r) => r.leakedFrames),
    ),
    labelGate('replaced_pct', '>=', 97, (100 * sum((r) => r.replacedInYaw)) / inYaw),
    labelGate('safe_pct', '==', 100, (100 * sum((r) => r.safe)) / labelled),
    midGate(
      'change_inside',
      '>=',
      2,
      pool((r) => r.inside),
    ),
    gate('change_outside', '==', 0, [Math.max(...all.map((r) => r.outside))]),
    midGate(
      'landmark_error_pct',
      '<=',
      4,
      pool((r) => r.landmarkErrorPct),
    ),
    midGate(
      'plate_detail_corr',
      '<=',
      0.3,
      pool((r) => r.detail),
    ),
    gate(
      'decoy_replaced_frames',
      '==',
      0,
      decoys.length ? [decoys.reduce((total, frames) => total + frames, 0)] : [],
      'no clip has a labelled decoy',
    ),
    labelGate(
      'track_switches',
      '==',
      0,
      sum((r) => r.trackSwitches),
    ),
    midGate('flicker_ratio', '<=', 1.5, all.map(flickerRatio).filter(Number.isFinite)),
    gate('found_in_program_pct', '>=', 97, mean100(pool((r) => r.foundAgain)), 'no face was replaced'),
    resemblance(all),
  ];
}

const mean100 = (values: number[]): number[] =>
  values.length ? [(100 * values.reduce((total, value) => total + value, 0)) / values.length] : [];

const flickerRatio = ({ flicker }: ClipResult): number => median(flicker.program) / median(flicker.plate);

/**
 * Over all pairs of clips: the distance between their programs over the mean distance of each program from its own plate.
 * Below 1 the double shows more than the performer does.
 */
function resemblance(all: readonly ClipResult[]): Gate {
  const ratios: number[] = [];
  for (const [i, a] of all.entries()) {
    for (const b of all.slice(i + 1)) {
      const between = Portrait.distance(a.portraits.program, b.portraits.program);
      const own = [a, b].map(({ portraits }) => Portrait.distance(portraits.program, portraits.plate));
      const ratio = (2 * between) / (own[0]! + own[1]!);
      if (Number.isFinite(ratio)) ratios.push(ratio);
    }
  }
  return gate('cross_performer_ratio', '<=', 1, ratios, 'it takes two clips with replaced faces');
}

function summary(result: ClipResult): Record<string, unknown> {
  const {
    portraits,
    troubles,
    flicker,
    inside,
    detail,
    everyDetail,
    landmarkErrorPct,
    foundAgain,
    replaceMs,
    ...counts
  } = result;
  const tidy = (value: number): number | null => (Number.isFinite(value) ? Math.round(value * 1000) / 1000 : null);
  const finite = (values: number[]): number => median(values.filter(Number.isFinite));
  return {
    ...counts,
    change_inside: tidy(finite(inside)),
    plate_detail_corr: tidy(finite(detail)),
    plate_detail_corr_with_features: tidy(finite(everyDetail)),
    landmark_error_pct: tidy(finite(landmarkErrorPct)),
    found_in_program_pct: tidy(mean100(foundAgain)[0] ?? Number.NaN),
    flicker_ratio: tidy(flickerRatio(result)),
    plate_to_program: tidy(Portrait.distance(portraits.plate, portraits.program)),
    replace_ms_p50: tidy(median(replaceMs)),
    troubles: [...troubles],
  };
}
