import { computed, effect, signal } from '@preact/signals';
import { Sender } from '../camera/sender.ts';
import { onReturn, openControl } from '../shared/control.ts';
import { FrameMeter } from '../shared/latency.ts';
import { Link } from '../shared/link.ts';
import { type Viewing, watch } from '../shared/whep.ts';

const query = new URLSearchParams(location.search);
const kind = query.get('source');
const feedName = query.get('feed') ?? 'try';

export const control = openControl();
export const sender = new Sender({
  feed: feedName,
  kind: kind === 'bars' || kind === 'counter' ? kind : 'camera',
  over: query.get('over') ?? 'grey',
});
export const started = signal(false);
export const mirrored = signal(sender.settings.peek().kind === 'camera');
export const program = new Link<Viewing>(() => watch(feedName, 'program'));
export const hasProgram = signal(false);
export const feed = computed(() => control.feeds.value.find(({ name }) => name === feedName) ?? null);
let meter: FrameMeter | null = null;

export const shown = (nowMs: number) => meter?.read(nowMs) ?? null;

export function adoptVideo(video: HTMLVideoElement): () => void {
  const context = () => ({ anchor: feed.peek()?.anchor ?? null, offsetUs: control.clock.offsetUs });
  const watching = new FrameMeter(video, context, () => {
    if (program.connection.peek()) hasProgram.value = true;
  });
  meter = watching;
  const stop = effect(() => {
    const stream = program.connection.value?.stream ?? null;
    video.srcObject = stream;
    watching.clear();
    hasProgram.value = false;
    if (stream) void video.play().catch(() => null);
  });
  return () => {
    stop();
    watching.close();
  };
}

export async function start(): Promise<void> {
  started.value = true;
  if (!sender.source.peek()) await sender.open();
  if (sender.source.peek()) sender.go();
}

export function stop(): void {
  program.close();
  sender.close();
  started.value = false;
}

/** The result is asked for once the camera's picture has reached the server: before that there is nothing to watch. */
const ready = computed(() => {
  const sending = sender.link.status.value.phase === 'open';
  return sending && feed.value !== null && feed.value.state !== 'idle';
});
effect(() => {
  if (ready.value) program.start();
  else program.close();
});

onReturn(control, () => sender.resume(control.feeds.peek().find(({ name }) => name === sender.settings.peek().feed)));
