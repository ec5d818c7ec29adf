import { parentPort, workerData } from 'node:worker_threads';
import { openAssets } from './assets.ts';
import { createFrameRenderer, develop } from './frame.ts';
import { identityNamed } from './identity.ts';
import { DEMO_SECONDS, demoMoment } from './motion.ts';
import { createPerformer } from './performer.ts';
import { paintBackground } from './scene.ts';
import { type FaceLabel, faceVertices, labelFace } from './truth.ts';
import { rgbToI420 } from './yuv.ts';

/** What a worker is told once. */
export interface DemoJob {
  assets: string;
  skins: string;
  identity: string;
  width: number;
  height: number;
  frames: number;
}

/** One rendered picture, I420. */
export interface DemoPicture {
  index: number;
  picture: Uint8Array;
  label: FaceLabel;
}

/** Renders the frame numbers it is sent, one at a time. */
async function main(): Promise<void> {
  const job = workerData as DemoJob;
  const { width, height } = job;
  const performer = await createPerformer(openAssets(job.assets, job.skins), identityNamed(job.identity));
  const renderer = createFrameRenderer(performer, width, height, paintBackground(width, height, 5));
  const vertices = faceVertices(performer);
  const developed = new Float32Array(3 * width * height);
  parentPort?.on('message', (index: number) => {
    const moment = demoMoment((index / (job.frames - 1)) * DEMO_SECONDS);
    develop(renderer.render(moment), developed);
    const picture = Uint8Array.from(rgbToI420(developed, width, height));
    const reply: DemoPicture = { index, picture, label: labelFace(renderer, vertices, moment) };
    parentPort?.postMessage(reply, [picture.buffer]);
  });
  parentPort?.postMessage('ready');
}

await main();
