import { drawBars, drawCounter, epochMs } from '../shared/testcard.ts';

/**
 * Where a picture comes from. Beside the camera there are three sources for tests and for measuring, by `?source=`:
 *
 * - `bars`: colour bars with a ramp, still.
 * - `counter`: a picture number and its time, readable by a program (shared/testcard.ts), over a backdrop: `over=grey` (default),
 *   `over=bars`, `over=camera`, or `over=/a/path` (a video or picture from this server, looped).
 * - `file`: a video file that the person chooses (`input#file`), looped.
 */
export type SourceKind = 'camera' | 'bars' | 'counter' | 'file';

export interface SourceSettings {
  kind: SourceKind;
  width: number;
  height: number;
  fps: number;
  deviceId: string | null;
  over: string;
  file: File | null;
}

/** An open source; `close()` stops its track and frees what made it. */
export interface Source {
  readonly track: MediaStreamTrack;
  /** Pictures drawn so far (drawn sources; 0 for the camera). */
  drawn(): number;
  close(): void;
}

export async function openSource(settings: SourceSettings): Promise<Source> {
  if (settings.kind === 'camera') return openCamera(settings);
  const backdrop = await openBackdrop(settings);
  return openDrawn(settings, backdrop);
}

async function openCamera({ width, height, fps, deviceId }: SourceSettings): Promise<Source> {
  if (!isSecureContext || !navigator.mediaDevices) throw new DOMException('', 'SecurityError');
  const stream = await navigator.mediaDevices.getUserMedia({
    video: {
      ...(deviceId ? { deviceId: { exact: deviceId } } : {}),
      width: { ideal: width },
      height: { ideal: height },
      frameRate: { ideal: fps, max: fps },
    },
  });
  const [track] = stream.getVideoTracks();
  if (!track) throw new DOMException('', 'NotFoundError');
  return { track, drawn: () => 0, close: () => track.stop() };
}

/** What a drawn picture shows behind its marks. */
interface Backdrop {
  draw(context: CanvasRenderingContext2D, width: number, height: number): void;
  close(): void;
}

const GREY: Backdrop = {
  draw(context, width, height) {
    context.fillStyle = '#5a5a5a';
    context.fillRect(0, 0, width, height);
  },
  close: () => undefined,
};
const CARD: Backdrop = { draw: drawBars, close: () => undefined };

async function openBackdrop(settings: SourceSettings): Promise<Backdrop> {
  const { kind, over, file } = settings;
  if (kind === 'bars' || over === 'bars') return CARD;
  if (kind === 'file') {
    if (!file) throw new Error('Choose a video file.');
    const url = URL.createObjectURL(file);
    return playing(url, () => URL.revokeObjectURL(url));
  }
  if (over === 'camera') {
    const camera = await openCamera(settings);
    return playing(new MediaStream([camera.track]), () => camera.close());
  }
  return over.startsWith('/') ? playing(over, () => undefined) : GREY;
}

async function playing(source: string | MediaStream, free: () => void): Promise<Backdrop> {
  const video = document.createElement('video');
  Object.assign(video, { muted: true, loop: true, playsInline: true });
  if (typeof source === 'string') video.src = source;
  else video.srcObject = source;
  try {
    await video.play();
  } catch {
    free();
    throw new Error('This browser cannot play that video: choose an MP4 (H.264) or WebM file.');
  }
  return {
    draw: (context, width, height) => context.drawImage(video, 0, 0, width, height),
    close: () => {
      video.pause();
      video.removeAttribute('src');
      video.srcObject = null;
      free();
    },
  };
}

function openDrawn({ kind, width, height, fps }: SourceSettings, backdrop: Backdrop): Source {
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width, height });
  const context = canvas.getContext('2d', { alpha: false });
  if (!context) throw new Error('This browser gives no canvas to draw on.');
  // Rate 0: a frame goes out only when it is asked for, exactly one per picture drawn.
  const [track] = canvas.captureStream(0).getVideoTracks() as CanvasCaptureMediaStreamTrack[];
  if (!track) throw new Error('This browser cannot send a canvas.');
  const still = backdrop === GREY || backdrop === CARD;
  backdrop.draw(context, width, height);
  let count = 0;
  const draw = () => {
    // A canvas that nothing was drawn on since the last frame gives none.
    if (still) context.drawImage(canvas, 0, 0, 1, 1, 0, 0, 1, 1);
    else backdrop.draw(context, width, height);
    if (kind === 'counter') drawMarks(context, width, height, count);
    count++;
    track.requestFrame();
  };
  const ticker = new Worker(new URL('./tick-worker.ts', import.meta.url), { type: 'module' });
  ticker.addEventListener('message', draw);
  ticker.postMessage(fps);
  return {
    track,
    drawn: () => count,
    close: () => {
      ticker.terminate();
      track.stop();
      backdrop.close();
    },
  };
}

function drawMarks(context: CanvasRenderingContext2D, width: number, height: number, count: number): void {
  drawCounter(context, width, { count, drawnMs: epochMs() });
  const text = height / 12;
  context.fillStyle = '#202020';
  context.fillRect(0, height - text * 1.5, width * 0.4, text * 1.5);
  context.fillStyle = '#e0e0e0';
  context.font = `${text}px monospace`;
  context.textBaseline = 'middle';
  context.fillText(String(count).padStart(8, '0'), text / 2, height - text * 0.75);
}

/** Why there is no picture, and what to do about it. */
export function sourceTrouble(error: unknown): { title: string; text: string } {
  const name = error instanceof DOMException ? error.name : '';
  switch (name) {
    case 'SecurityError':
      return {
        title: 'No camera on this address',
        text: 'Browsers give a page the camera only on the machine itself (http://localhost) or over https. Open this page there.',
      };
    case 'NotAllowedError':
      return {
        title: 'The camera is not allowed',
        text: 'Allow it: press the camera sign beside the address at the top, then “Try again”.',
      };
    case 'NotFoundError':
    case 'OverconstrainedError':
      return { title: 'No camera found', text: 'Plug one in, or choose another one; it starts by itself.' };
    case 'NotReadableError':
    case 'AbortError':
      return {
        title: 'The camera does not answer',
        text: 'Another program may be using it: close that program, then “Try again”.',
      };
    default:
      return { title: 'No picture', text: error instanceof Error ? error.message : String(error) };
  }
}
