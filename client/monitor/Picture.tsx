import { effect, useSignalEffect } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { Slate } from '../shared/parts/Slate.tsx';
import { Warning } from '../shared/parts/Warning.tsx';
import { Compare } from './Compare.tsx';
import { panelShown } from './casting.ts';
import { FaceMarks } from './FaceMarks.tsx';
import { adoptVideo, oneToOne, type Slot, showsLow, soundOn, videos, view } from './model.ts';
import { Question } from './Question.tsx';
import { foldWarning, leading, lostSeconds, slate, trouble } from './trouble.ts';

const TAGS = { program: 'Program', plate: 'Plate', wipe: 'Plate | Program', side: 'Plate | Program' } as const;
const LOW_TAGS = { ...TAGS, program: 'Program, low', wipe: 'Plate | Low', side: 'Plate | Low' } as const;

export function toggleFullScreen(): void {
  if (document.fullscreenElement) void document.exitFullscreen();
  else void document.querySelector('.frame')?.requestFullscreen?.();
}

/** Exactly one picture pixel on one screen pixel, on whole screen pixels, so that the browser resamples nothing. */
function placeOneToOne(video: HTMLVideoElement): void {
  const place = video.parentElement;
  if (!place || !video.videoWidth) return;
  const dpr = devicePixelRatio;
  const whole = (css: number) => Math.round(css * dpr) / dpr;
  const width = video.videoWidth / dpr;
  const height = video.videoHeight / dpr;
  const origin = place.getBoundingClientRect();
  const left = whole(origin.left + Math.max(0, (place.clientWidth - width) / 2)) - origin.left;
  const top = whole(origin.top + Math.max(0, (place.clientHeight - height) / 2)) - origin.top;
  Object.assign(video.style, {
    width: `${width}px`,
    height: `${height}px`,
    left: `${left}px`,
    top: `${top}px`,
    right: 'auto',
    bottom: 'auto',
  });
}

function Video({ rendition }: { rendition: Slot }) {
  const ref = useRef<HTMLVideoElement>(null);
  useEffect(() => (ref.current ? adoptVideo(rendition, ref.current) : undefined), []);
  useSignalEffect(() => {
    const video = ref.current;
    if (!video) return;
    const place = () => (oneToOne.value ? placeOneToOne(video) : video.removeAttribute('style'));
    place();
    if (!oneToOne.value) return;
    const watcher = new ResizeObserver(place);
    if (video.parentElement) watcher.observe(video.parentElement);
    video.addEventListener('resize', place);
    return () => {
      watcher.disconnect();
      video.removeEventListener('resize', place);
    };
  });
  // The attribute only says how an element begins; of two pictures the leading one is heard. A plain effect, for it runs
  // within the click and not a frame after it: some browsers let a page speak only there.
  useLayoutEffect(
    () =>
      effect(() => {
        if (ref.current) ref.current.muted = !(soundOn.value && leading.value === rendition);
      }),
    [],
  );
  return (
    <video
      ref={ref}
      class={leading.value === rendition ? 'front' : 'back'}
      muted
      playsInline
      autoplay
      disablePictureInPicture
    />
  );
}

export function Picture() {
  const words = slate.value;
  const warning = trouble.value;
  const kind = view.value === 'wipe' || view.value === 'side' ? 'compare' : view.value;
  return (
    <main class="place">
      <div class="frame" data-kind={words ? 'none' : kind}>
        <div class="picture" data-lost={lostSeconds.value !== null} data-exact={oneToOne.value}>
          <Video rendition="program" />
          <Video rendition="plate" />
          {kind === 'compare' && <Compare />}
          <FaceMarks />
          {words && <Slate {...words} />}
          <p class="tag">{(showsLow.value ? LOW_TAGS : TAGS)[view.value]}</p>
          {!panelShown.value && <Question />}
          {warning && !warning.folded && <Warning onFold={foldWarning}>{warning.text}</Warning>}
        </div>
      </div>
    </main>
  );
}

/** The element whose picture leads, for the debug hook. */
export const leadingVideo = () => videos[leading.peek()];
