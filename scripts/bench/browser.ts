/**
 * `bench browser`: a camera page in Chromium → server → a monitor page in Chromium. The camera page draws the demo performer with a
 * time code; the monitor's frames are read back as they are shown: glass to glass on one clock. Replacement and decode-and-encode-only
 * servers take turns, so that their difference is taken in one run.
 */
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { parseArgs } from 'node:util';
import { loadConfig } from '../../server/config/config.ts';
import { createLog } from '../../server/observe/log.ts';
import { type RunningServer, startServer } from '../../server/stage/supervisor.ts';
import { launchBrowser } from '../../test/fixtures/browser.ts';
import { enterPage } from '../../test/fixtures/enter.ts';
import { DEMO_CLIP } from './clip.ts';
import { type Gate, gate, median, publish, quantile, say } from './report.ts';
import { temporaryStore } from './temporary-store.ts';

const SIZES = { 360: '640x360', 720: '1280x720' } as const;
type Size = keyof typeof SIZES;

interface Plan {
  rounds: number;
  seconds: number;
  sizes: Size[];
}

interface Sample {
  glassMs: number[];
  joinMs: number;
  fps: number;
  width: number;
}

/** Runs in the monitor page before its own scripts: notes when a monitor asks for pictures and when the first one is shown. */
const WATCH = `(() => {
  const times = { askedMs: 0, firstMs: 0 };
  window.benchTimes = times;
  const fetchOf = window.fetch;
  window.fetch = (...args) => {
    const [target, options] = args;
    if (options?.method === 'POST' && String(target.url ?? target).includes('/whep/')) times.askedMs ||= performance.now();
    return fetchOf(...args);
  };
  const ask = HTMLVideoElement.prototype.requestVideoFrameCallback;
  HTMLVideoElement.prototype.requestVideoFrameCallback = function (callback) {
    return ask.call(this, (now, metadata) => {
      times.firstMs ||= metadata.expectedDisplayTime;
      callback(now, metadata);
    });
  };
})()`;

/** The page's own reader of the time code, as a script. */
function reader(): string {
  const file = new URL('../../client/shared/testcard.ts', import.meta.url);
  const code = stripTypeScriptTypes(readFileSync(file, 'utf8')).replaceAll(/^export /gm, '');
  return `(() => { ${code}; window.benchCard = { readCounter, counterBox, sinceDrawn, epochMs }; })()`;
}

/** Collects the age of each shown frame for a time. */
const COLLECT = `(async (ms) => {
  const { readCounter, counterBox, sinceDrawn } = window.benchCard;
  const video = window.understudy.videos.program;
  const canvas = new OffscreenCanvas(1, 1);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const ages = [];
  let frames = 0;
  const until = performance.now() + ms;
  await new Promise((resolve) => {
    const next = () => video.requestVideoFrameCallback((now, metadata) => {
      frames++;
      const box = counterBox(video.videoWidth);
      if (canvas.width !== box.width) Object.assign(canvas, box);
      context.drawImage(video, 0, 0, box.width, box.height, 0, 0, box.width, box.height);
      const pixels = context.getImageData(0, 0, box.width, box.height);
      const mark = readCounter(pixels.data, box.width, video.videoWidth);
      if (mark) ages.push(sinceDrawn(mark, performance.timeOrigin + metadata.expectedDisplayTime));
      if (performance.now() < until) next(); else resolve();
    });
    setTimeout(resolve, ms + 5000);
    next();
  });
  return { ages, frames, width: video.videoWidth };
})`;

async function measureOnce(server: RunningServer, size: Size, plan: Plan): Promise<Sample> {
  const browser = await launchBrowser();
  try {
    const camera = `/camera?source=counter&over=${encodeURIComponent('/bench-clip.mp4')}&size=${SIZES[size]}&fps=30&bitrate=5&feed=bench&go=1`;
    await enterPage(browser, server, camera, {
      prepare: (page) =>
        page.route('**/bench-clip.mp4', (route) => route.fulfill({ path: DEMO_CLIP, contentType: 'video/mp4' })),
    });
    await untilLive(server);
    const monitor = await enterPage(browser, server, '/monitor?feed=bench', {
      bypassCSP: true,
      prepare: (page) => page.addInitScript(WATCH),
    });
    await monitor.waitForFunction('window.benchTimes.firstMs > 0', undefined, { timeout: 30_000 });
    const times = (await monitor.evaluate('window.benchTimes')) as { askedMs: number; firstMs: number };
    await monitor.evaluate(reader());
    // The sender's rate control needs a few seconds to find its level.
    await monitor.evaluate(`${COLLECT}(4000)`);
    const got = (await monitor.evaluate(`${COLLECT}(${plan.seconds * 1000})`)) as {
      ages: number[];
      frames: number;
      width: number;
    };
    return {
      glassMs: got.ages,
      joinMs: times.firstMs - times.askedMs,
      fps: got.frames / plan.seconds,
      width: got.width,
    };
  } finally {
    await browser.close();
  }
}

async function untilLive(server: RunningServer): Promise<void> {
  const from = performance.now();
  for (;;) {
    const response = await fetch(`${server.url}/api/feeds`, {
      headers: { authorization: `Bearer ${server.apiToken}` },
    });
    const { feeds } = (await response.json()) as { feeds: { name: string; state: string }[] };
    if (feeds.some(({ name, state }) => name === 'bench' && state === 'live')) return;
    if (performance.now() - from > 60_000)
      throw new Error('The camera page did not get its picture to the server within a minute.');
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

interface Result {
  full: Sample[];
  pass: Sample[];
}

async function measureSize(size: Size, plan: Plan): Promise<Result> {
  const result: Result = { full: [], pass: [] };
  for (let round = 0; round < plan.rounds; round++) {
    for (const kind of ['pass', 'full'] as const) {
      const config = loadConfig(undefined, {
        server: { port: 0 },
        stage: { demo: false },
        store: temporaryStore(),
        log: { level: 'error' },
      });
      const server = await startServer({ config, log: createLog(config.log), passThrough: kind === 'pass' });
      try {
        const sample = await measureOnce(server, size, plan);
        result[kind].push(sample);
        say(
          `  ${SIZES[size]} ${kind === 'full' ? 'replacement' : 'pass-through'} ${round + 1}/${plan.rounds}: glass to glass ${median(sample.glassMs).toFixed(0)} / ${quantile(sample.glassMs, 0.95).toFixed(0)} ms, ${sample.fps.toFixed(1)} fps shown at ${sample.width} wide, joined in ${sample.joinMs.toFixed(0)} ms, ${sample.glassMs.length} time codes read`,
        );
      } finally {
        await server.close();
      }
    }
  }
  return result;
}

export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { json: { type: 'boolean' }, quick: { type: 'boolean' }, size: { type: 'string' } },
  });
  const began = performance.now();
  const plan: Plan = values.quick
    ? { rounds: 1, seconds: 4, sizes: [360, 720] }
    : { rounds: 5, seconds: 10, sizes: [360, 720] };
  if (values.size === '360' || values.size === '720') plan.sizes = [Number(values.size) as Size];
  const results: Partial<Record<Size, Result | string>> = {};
  for (const size of plan.sizes) {
    say(`camera page to monitor page at ${SIZES[size]}`);
    results[size] = await measureSize(size, plan).catch((error: unknown) =>
      error instanceof Error ? error.message : String(error),
    );
  }
  const gates = ([360, 720] as const).flatMap((size) => gatesOf(size, results[size]));
  return publish('browser', began, gates, { results }, values.json ?? false);
}

function gatesOf(size: Size, result: Result | string | undefined): Gate[] {
  const why = typeof result === 'string' ? result : result ? undefined : 'left out by --size';
  const { full, pass } = typeof result === 'object' ? result : { full: [], pass: [] };
  const difference = full.map((sample, index) => median(sample.glassMs) - median(pass[index]?.glassMs ?? []));
  return [
    gate(
      `glass_ms_p50_${size}`,
      '<=',
      120,
      full.map(({ glassMs }) => median(glassMs)),
      why,
    ),
    gate(
      `glass_ms_p95_${size}`,
      '<=',
      220,
      full.map(({ glassMs }) => quantile(glassMs, 0.95)),
      why,
    ),
    gate(`glass_minus_passthrough_ms_p50_${size}`, '<=', 30, difference, why),
    gate(
      `join_ms_p50_${size}`,
      '<=',
      600,
      full.map(({ joinMs }) => joinMs),
      why,
    ),
  ];
}
