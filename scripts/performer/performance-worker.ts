import { parentPort, workerData } from 'node:worker_threads';
import { openAssets } from './assets.ts';
import { type ClipJob, type ClipPicture, createClipRenderer } from './performance-clip.ts';

/** Renders the frame numbers it is sent, one at a time. */
const job = workerData as ClipJob;
const clip = await createClipRenderer(openAssets(job.assets, job.skins), job);
parentPort?.on('message', (index: number) => {
  const picture: ClipPicture = clip.render(index);
  parentPort?.postMessage(picture);
});
parentPort?.postMessage('ready');
