import { FaceDetector } from '@mediapipe/tasks-vision';
import type { FoundFace } from './aid-words.ts';

/** Into the worker: first where its parts are, then pictures, one at a time. Out: faces for each picture, or why there are none. */
export type AidRequest =
  | { type: 'open'; wasmLoaderPath: string; wasmBinaryPath: string; modelPath: string }
  | { type: 'picture'; picture: ImageBitmap; timeMs: number };
export type AidReply =
  | { type: 'ready' }
  | { type: 'faces'; faces: FoundFace[]; tookMs: number }
  | { type: 'failed'; why: string };

let detector: FaceDetector | null = null;
const canvas = new OffscreenCanvas(1, 1);
const context = canvas.getContext('2d', { willReadFrequently: true, alpha: false });

const reply = (message: AidReply) => self.postMessage(message);

self.addEventListener('message', ({ data }: MessageEvent<AidRequest>) => {
  if (data.type === 'picture') look(data.picture, data.timeMs);
  else open(data).catch((error: unknown) => reply({ type: 'failed', why: String(error) }));
});

async function open({ wasmLoaderPath, wasmBinaryPath, modelPath }: AidRequest & { type: 'open' }): Promise<void> {
  detector = await FaceDetector.createFromOptions(
    { wasmLoaderPath, wasmBinaryPath },
    { baseOptions: { modelAssetPath: modelPath, delegate: 'CPU' }, runningMode: 'VIDEO', minDetectionConfidence: 0.5 },
  );
  reply({ type: 'ready' });
}

function look(picture: ImageBitmap, timeMs: number): void {
  const { width, height } = picture;
  if (!detector || !context) {
    picture.close();
    return;
  }
  const began = performance.now();
  Object.assign(canvas, { width, height });
  context.drawImage(picture, 0, 0);
  picture.close();
  const { detections } = detector.detectForVideo(canvas, timeMs);
  const faces = detections.flatMap(({ boundingBox: box, categories }) => {
    if (!box) return [];
    const found = {
      left: box.originX / width,
      top: box.originY / height,
      width: box.width / width,
      height: box.height / height,
    };
    return [
      { ...found, score: categories[0]?.score ?? 0, luma: luma(box.originX, box.originY, box.width, box.height) },
    ];
  });
  reply({ type: 'faces', faces, tookMs: performance.now() - began });
}

/** Mean of the middle of the face, without hair and background; every fourth pixel is enough. */
function luma(x: number, y: number, width: number, height: number): number | null {
  const left = Math.max(0, Math.round(x + width * 0.25));
  const top = Math.max(0, Math.round(y + height * 0.3));
  const across = Math.min(canvas.width - left, Math.round(width * 0.5));
  const down = Math.min(canvas.height - top, Math.round(height * 0.5));
  if (!context || across < 1 || down < 1) return null;
  const { data } = context.getImageData(left, top, across, down);
  let sum = 0;
  let count = 0;
  for (let at = 0; at < data.length; at += 16) {
    sum += 0.2126 * (data[at] ?? 0) + 0.7152 * (data[at + 1] ?? 0) + 0.0722 * (data[at + 2] ?? 0);
    count++;
  }
  return sum / count;
}
