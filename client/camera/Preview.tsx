import { useSignal, useSignalEffect } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { Slate } from '../shared/parts/Slate.tsx';
import { type Aid, openAid } from './aid.ts';
import type { FoundFace } from './aid-words.ts';
import { aidWanted, mirrored, sender } from './model.ts';

export function Preview() {
  const ref = useRef<HTMLVideoElement>(null);
  const aid = useSignal<Aid | null>(null);
  const { width, height, kind } = sender.settings.value;
  const source = sender.source.value;
  const shape = source?.track.getSettings();
  const aspect = shape?.width && shape.height ? shape.width / shape.height : width / height;
  useSignalEffect(() => {
    const video = ref.current;
    if (!video) return;
    const track = sender.source.value?.track;
    video.srcObject = track ? new MediaStream([track]) : null;
    if (track) void video.play().catch(() => null);
  });
  useSignalEffect(() => {
    if (!ref.current || !aidWanted.value || !sender.source.value) return;
    const opened = openAid(ref.current, () => sender.link.status.peek().phase !== 'closed');
    aid.value = opened;
    return () => {
      aid.value = null;
      opened.close();
    };
  });
  const trouble = sender.trouble.value;
  const onAir = sender.link.status.value.phase === 'open';
  return (
    <main class="place" style={{ '--aspect': aspect.toFixed(4) }}>
      <div class="frame" data-kind={onAir ? 'on-air' : 'none'}>
        <div class="picture" data-mirrored={mirrored.value}>
          <video ref={ref} muted playsInline autoplay disablePictureInPicture />
          {aid.value && source && <AidOverlay aid={aid.value} />}
          {trouble ? (
            <Slate title={trouble.title} text={trouble.text} tone="amber">
              <button type="button" onClick={() => void sender.open()}>
                Try again
              </button>
            </Slate>
          ) : (
            !source &&
            (kind === 'file' ? (
              <Slate title="Choose a video file" text="It is sent as if a camera filmed it, again and again." />
            ) : (
              <Slate title="Starting the camera" text="If the browser asks, allow it to use the camera." />
            ))
          )}
        </div>
      </div>
    </main>
  );
}

/** An oval around the face and one plain word. */
function AidOverlay({ aid }: { aid: Aid }) {
  const advice = aid.advice.value;
  const face = aid.face.value;
  return (
    <div class="aid" data-good={advice?.good ?? false}>
      {face && <div class="oval" style={ovalOf(face, mirrored.value)} />}
      <p class="word" role="status">
        {aid.failed.value ? 'No framing aid in this browser' : (advice?.word ?? 'Framing aid starts')}
      </p>
    </div>
  );
}

/** The detector's box holds brow to chin; a whole head is about a third taller. */
function ovalOf(face: FoundFace, mirror: boolean) {
  const percent = (part: number) => `${(part * 100).toFixed(2)}%`;
  return {
    left: percent(mirror ? 1 - face.left - face.width : face.left),
    top: percent(face.top - face.height * 0.3),
    width: percent(face.width),
    height: percent(face.height * 1.35),
  };
}
