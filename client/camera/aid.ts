import modelPath from 'virtual:aid-model';
import wasmLoaderPath from '@mediapipe/tasks-vision/vision_wasm_module_internal.js?url';
import wasmBinaryPath from '@mediapipe/tasks-vision/vision_wasm_module_internal.wasm?url';
import { type ReadonlySignal, signal } from '@preact/signals';
import { type Advice, type FoundFace, SteadyAdvice, surest } from './aid-words.ts';
import type { AidReply, AidRequest } from './aid-worker.ts';

/** Four looks a second are enough for someone who moves a chair, and cost next to nothing. */
const LOOK_MS = 250;
/** On air, sending comes first. */
const LOOK_ON_AIR_MS = 1000;
/** The picture is made this wide for the detector, whose own input is 128 wide. */
const WIDTH = 256;
/** A machine that needs longer than this for one look is busy: it looks half as often. */
const SLOW_MS = 60;

export interface Aid {
  /** Null until it has looked for the first time. */
  readonly advice: ReadonlySignal<Advice | null>;
  /** The face that the advice is about, in the last picture that showed one; null while it says that none is seen. */
  readonly face: ReadonlySignal<FoundFace | null>;
  /** Why there is no aid; null when all is well. */
  readonly failed: ReadonlySignal<string | null>;
  close(): void;
}

const absolute = (path: string) => new URL(path, location.href).href;

/** Looks at a playing video in a worker of its own, so that neither the page nor what it sends waits for it. Owns the worker. */
export function openAid(video: HTMLVideoElement, onAir: () => boolean): Aid {
  const advice = signal<Advice | null>(null);
  const face = signal<FoundFace | null>(null);
  const steady = new SteadyAdvice();
  const failed = signal<string | null>(null);
  let open = true;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const worker = new Worker(new URL('./aid-worker.ts', import.meta.url), { type: 'module' });
  const ask = (request: AidRequest, transfer: Transferable[] = []) => worker.postMessage(request, transfer);

  const look = async () => {
    if (!open) return;
    if (video.readyState < 2 || document.hidden) {
      timer = setTimeout(() => void look(), LOOK_MS);
      return;
    }
    const height = Math.max(1, Math.round((WIDTH * video.videoHeight) / video.videoWidth));
    const picture = await createImageBitmap(video, {
      resizeWidth: WIDTH,
      resizeHeight: height,
      resizeQuality: 'low',
    }).catch(() => null);
    if (!open) picture?.close();
    else if (picture) ask({ type: 'picture', picture, timeMs: performance.now() }, [picture]);
    else timer = setTimeout(() => void look(), LOOK_MS);
  };
  worker.addEventListener('message', ({ data }: MessageEvent<AidReply>) => {
    if (!open) return;
    if (data.type === 'failed') {
      failed.value = data.why;
      return;
    }
    if (data.type === 'faces') {
      const shown = steady.look(surest(data.faces));
      advice.value = shown.advice;
      face.value = shown.face;
    }
    const slow = data.type === 'faces' && data.tookMs > SLOW_MS;
    const pauseMs = onAir() ? LOOK_ON_AIR_MS : LOOK_MS;
    timer = setTimeout(() => void look(), slow ? pauseMs * 2 : pauseMs);
  });
  worker.addEventListener('error', (event) => {
    failed.value = event.message || 'The framing aid could not start.';
  });
  ask({
    type: 'open',
    wasmLoaderPath: absolute(wasmLoaderPath),
    wasmBinaryPath: absolute(wasmBinaryPath),
    modelPath: absolute(modelPath),
  });
  return {
    advice,
    face,
    failed,
    close: () => {
      open = false;
      clearTimeout(timer);
      worker.terminate();
    },
  };
}
