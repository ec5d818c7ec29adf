import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { onFrame, videos, view, wipeAt } from './model.ts';
import { PairedFrames } from './paired.ts';

/** No pair for this long: something is wrong, and it is said. */
const APART_MS = 700;

/** Plate and program of the same instant on one canvas: a wipe, or side by side. */
export function Compare() {
  const canvas = useRef<HTMLCanvasElement>(null);
  const unpaired = useSignal(false);
  useEffect(() => {
    const context = canvas.current?.getContext('2d', { alpha: false, desynchronized: true });
    if (!context) return;
    const plates = new PairedFrames();
    let lastPairMs = performance.now();
    const stop = onFrame((rendition, frame) => {
      const { plate, program } = videos;
      if (!plate || !program || frame.rtpTs === null) return;
      if (rendition === 'plate') {
        plates.keep(frame.rtpTs, plate);
        return;
      }
      const pair = plates.take(frame.rtpTs);
      if (pair) lastPairMs = frame.shownMs;
      // One plate that was never shown here (a busy device) only holds the last pair for a moment.
      const apart = frame.shownMs - lastPairMs > APART_MS;
      unpaired.value = apart;
      if (pair || apart) draw(context, pair ?? plate, program);
    });
    return () => {
      stop();
      plates.close();
    };
  }, []);
  const drag = (event: PointerEvent) => {
    if (view.peek() !== 'wipe' || !(event.buttons & 1)) return;
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    wipeAt.value = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
  };
  return (
    <>
      <canvas ref={canvas} class="compare" data-view={view.value} onPointerDown={drag} onPointerMove={drag} />
      {view.value === 'wipe' && <div class="wipe-line" style={{ left: `${wipeAt.value * 100}%` }} />}
      {unpaired.value && <p class="unpaired">Plate and program are not of the same instant</p>}
    </>
  );
}

type Picture = VideoFrame | HTMLVideoElement;

const sizeOf = (picture: Picture) =>
  picture instanceof HTMLVideoElement
    ? { width: picture.videoWidth, height: picture.videoHeight }
    : { width: picture.displayWidth, height: picture.displayHeight };

/** The two may differ in size: overload lowers the program, never the plate. The larger one is drawn pixel by pixel. */
function draw(context: CanvasRenderingContext2D, plate: Picture, program: Picture): void {
  const own = sizeOf(plate);
  const other = sizeOf(program);
  const { width, height } = own.width >= other.width ? own : other;
  const { canvas } = context;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  if (view.peek() === 'side') {
    // Each keeps its whole picture at half the width; the rest stays grey like the surround.
    context.fillStyle = '#1c1c1c';
    context.fillRect(0, 0, width, height);
    context.drawImage(plate, 0, height / 4, width / 2, height / 2);
    context.drawImage(program, width / 2, height / 4, width / 2, height / 2);
    return;
  }
  const part = Math.round(width * wipeAt.peek()) / width;
  context.drawImage(program, 0, 0, width, height);
  if (part > 0) context.drawImage(plate, 0, 0, own.width * part, own.height, 0, 0, width * part, height);
}
