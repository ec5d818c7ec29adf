import { useSignal, useSignalEffect } from '@preact/signals';
import type { NamedFace } from './cast-words.ts';
import { picturesIn, placeOf } from './cast-words.ts';
import { faces, panelShown, picked, question, tapFace } from './casting.ts';
import { oneToOne, videos, view } from './model.ts';
import { leading } from './trouble.ts';

type Place = Record<'left' | 'top' | 'width' | 'height', string>;

/** Outlines over the picture while somebody works on the cast; closed, only of a face of which it is asked who it is. */
export function FaceMarks() {
  const exact = useExactPlace();
  const shown = faces.value.filter(({ asked }) => panelShown.value || (asked && question.value));
  if (shown.length === 0) return null;
  return (
    <div class="marks" data-exact={exact !== null} style={exact ?? undefined}>
      <div class="whole">
        {picturesIn(view.value).flatMap((picture, index) =>
          shown.map((face) => (
            <Mark key={`${index} ${face.track}`} face={face} place={placeOf(face.box, picture)} again={index > 0} />
          )),
        )}
      </div>
    </div>
  );
}

/** @param again the same face in the second of two pictures */
function Mark({ face, place, again }: { face: NamedFace; place: Place; again: boolean }) {
  const { track, label, asked, casting, box } = face;
  const kind = asked ? 'asked' : casting ? 'cast' : 'free';
  const does = asked ? 'say who this is' : casting ? 'show the casting' : 'cast this face';
  return (
    <button
      type="button"
      class="mark-face"
      data-kind={kind}
      data-picked={picked.value === track}
      data-label={box.y < 0.1 ? 'below' : 'above'}
      style={place}
      aria-hidden={again}
      tabIndex={again ? -1 : 0}
      title={`${label}: ${does}`}
      onClick={() => tapFace(track)}
    >
      <span class="label">{asked ? 'Who is this?' : label}</span>
    </button>
  );
}

/** Where a picture that is shown 1:1 lies, in its place that scrolls; null for one that fits into it. */
function useExactPlace(): Place | null {
  const place = useSignal<Place | null>(null);
  useSignalEffect(() => {
    const single = view.value === 'program' || view.value === 'plate';
    const video = oneToOne.value && single ? videos[leading.value] : null;
    if (!video?.parentElement) {
      place.value = null;
      return;
    }
    const read = () => {
      const { offsetLeft, offsetTop, offsetWidth, offsetHeight } = video;
      const [left, top, width, height] = [offsetLeft, offsetTop, offsetWidth, offsetHeight].map((px) => `${px}px`) as [
        string,
        string,
        string,
        string,
      ];
      place.value = { left, top, width, height };
    };
    const watcher = new ResizeObserver(read);
    for (const element of [video, video.parentElement]) watcher.observe(element);
    return () => watcher.disconnect();
  });
  return place.value;
}
