import '../shared/theme.css';
import './try.css';
import { useSignalEffect } from '@preact/signals';
import { render } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import iconUrl from '../shared/icon.svg';
import { now } from '../shared/now.ts';
import { Badge } from '../shared/parts/Badge.tsx';
import { HoldButton } from '../shared/parts/HoldButton.tsx';
import { type KeyAction, Keys, KeysButton } from '../shared/parts/Keys.tsx';
import { Slate, type SlateWords } from '../shared/parts/Slate.tsx';
import { Value } from '../shared/parts/Value.tsx';
import { feedSlate, feedWarning, linkSlate } from '../shared/words.ts';
import {
  adoptVideo,
  control,
  feed,
  hasProgram,
  mirrored,
  program,
  sender,
  shown,
  start,
  started,
  stop,
} from './model.ts';

const ACTIONS: KeyAction[] = [
  { keys: ['g'], does: 'Start', act: () => void start() },
  { keys: ['x'], shown: 'hold X', does: 'Stop', act: () => undefined },
  { keys: ['m'], does: 'Mirror both pictures', act: () => (mirrored.value = !mirrored.peek()) },
];

function App() {
  return (
    <div class="try">
      <header class="bar">
        <a class="home" href="/" title="All pages">
          <img src={iconUrl} alt="Understudy: all pages" width="24" height="24" />
        </a>
        <h1>Try</h1>
        <span class="air">
          {sender.stats.value?.connected ? <Badge tone="red">ON AIR</Badge> : <Badge>Not sending</Badge>}
        </span>
        <KeysButton />
      </header>
      <main class="pair">
        <Own />
        <Result />
      </main>
      <footer class="under">
        <div class="latency">
          <Numbers />
        </div>
        <p class="says" role="status">
          <Says />
        </p>
        <div class="acts">
          {started.value ? (
            <HoldButton class="go" holdKey="x" onHeld={stop}>
              Hold to stop
            </HoldButton>
          ) : (
            <button type="button" class="go button-main" onClick={() => void start()}>
              Start
            </button>
          )}
          <label class="check">
            <input type="checkbox" checked={mirrored.value} onChange={() => (mirrored.value = !mirrored.peek())} />
            Mirror both
          </label>
        </div>
      </footer>
      <Keys actions={ACTIONS} />
    </div>
  );
}

function Own() {
  const ref = useRef<HTMLVideoElement>(null);
  useSignalEffect(() => {
    const video = ref.current;
    if (!video) return;
    const track = sender.source.value?.track;
    video.srcObject = track ? new MediaStream([track]) : null;
    if (track) void video.play().catch(() => null);
  });
  const words = ownSlate();
  return (
    <figure>
      <figcaption>
        PLATE <span class="quiet">your camera</span>
      </figcaption>
      <div class="frame" data-kind={words ? 'none' : 'plate'}>
        <div class="picture" data-mirrored={mirrored.value}>
          <video ref={ref} muted playsInline autoplay disablePictureInPicture />
          {words && <Slate {...words} />}
        </div>
      </div>
    </figure>
  );
}

function ownSlate(): SlateWords | null {
  const trouble = sender.trouble.value;
  if (trouble) return { ...trouble, tone: 'amber' };
  if (sender.source.value) return null;
  if (started.value) return { title: 'Starting the camera', text: 'If the browser asks, allow it to use the camera.' };
  return { title: 'Your camera', text: 'Nothing leaves this device until you press Start.' };
}

function Result() {
  const ref = useRef<HTMLVideoElement>(null);
  useEffect(() => (ref.current ? adoptVideo(ref.current) : undefined), []);
  const words = resultSlate();
  return (
    <figure>
      <figcaption>
        PROGRAM <span class="quiet">the result</span>
      </figcaption>
      <div class="frame" data-kind={words ? 'none' : 'program'}>
        <div class="picture" data-mirrored={mirrored.value} data-lost={!words && (shown(now.value)?.stale ?? false)}>
          <video ref={ref} muted playsInline autoplay disablePictureInPicture />
          {words && <Slate {...words} />}
        </div>
      </div>
    </figure>
  );
}

function resultSlate(): SlateWords | null {
  if (hasProgram.value && program.status.value.phase === 'open') return null;
  if (!started.value) return { title: 'The result', text: 'Your picture with another face, a moment later.' };
  if (control.status.value.phase === 'refused') return linkSlate(control.status.value);
  const sending = linkSlate(sender.link.status.value);
  if (sending) return sending;
  if (sender.link.status.value.phase !== 'open') return { title: 'The result', text: 'It comes when the camera runs.' };
  const known = feed.value;
  if (known && known.state !== 'live' && known.state !== 'idle') return feedSlate(known, known.name);
  return linkSlate(program.status.value) ?? { title: 'Opening the picture', text: 'It comes in a moment.' };
}

function Numbers() {
  const read = shown(now.value);
  const stale = read?.stale ?? true;
  return (
    <>
      <Value name="latency" value={read?.latencyMs ?? null} unit="ms" decimals={1} figures={5} stale={stale} />
      <Value
        name="latency in frames"
        value={read?.latencyFrames ?? null}
        unit="frames"
        decimals={1}
        figures={4}
        stale={stale}
      />
      <Value
        name="frames a second"
        value={read?.width ? read.fps : null}
        unit="fps"
        decimals={1}
        figures={4}
        stale={stale}
      />
    </>
  );
}

function Says() {
  const known = feed.value;
  const read = shown(now.value);
  const warning = known && hasProgram.value ? feedWarning(known, read?.stale ? 1 : null) : null;
  if (warning) return <Badge tone="amber">{warning}</Badge>;
  if (!hasProgram.value) return <>{started.value ? '' : 'The picture goes to this server and nowhere else.'}</>;
  const faces = known?.faces ?? [];
  if (faces.length === 0) return <Badge>No face seen: look into the camera.</Badge>;
  const covered = faces.find(({ shown: how }) => how === 'covered');
  if (covered) return <Badge>{`Face covered${covered.why ? `: ${covered.why}` : ''}`}</Badge>;
  return <Badge tone="green">Face replaced</Badge>;
}

render(<App />, document.getElementById('app') as HTMLElement);
