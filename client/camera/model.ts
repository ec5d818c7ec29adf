import { effect, signal } from '@preact/signals';
import { onReturn, openControl } from '../shared/control.ts';
import { LtcListener } from './ltc.ts';
import { type CameraSettings, Sender } from './sender.ts';
import type { SourceKind } from './sources.ts';

export const SIZES = [
  { value: 360, label: '360p', width: 640 },
  { value: 720, label: '720p', width: 1280 },
  { value: 1080, label: '1080p', width: 1920 },
] as const;
export const RATES = [24, 25, 30] as const;

const STORE = 'understudy.camera';
const query = new URLSearchParams(location.search);

/** What was chosen last time on this device, then what the address says. See the table in README.md of this folder. */
function start(): Partial<CameraSettings> {
  const settings: Partial<CameraSettings> = { ...remembered() };
  const kind = query.get('source');
  if (kind === 'bars' || kind === 'counter' || kind === 'file' || kind === 'camera')
    settings.kind = kind satisfies SourceKind;
  const size = /^(\d{2,4})x(\d{2,4})$/.exec(query.get('size') ?? '');
  if (size) Object.assign(settings, { width: Number(size[1]), height: Number(size[2]) });
  const fps = Number(query.get('fps'));
  if (fps > 0 && fps <= 60) settings.fps = fps;
  const megabits = Number(query.get('bitrate'));
  if (megabits > 0) settings.maxBitrate = megabits * 1e6;
  const keep = query.get('keep');
  if (keep === 'rate' || keep === 'size') settings.keep = keep;
  settings.feed = query.get('feed') ?? settings.feed ?? 'camera';
  settings.over = query.get('over') ?? 'grey';
  return settings;
}

function remembered(): Partial<CameraSettings> {
  try {
    const { feed, width, height, fps, deviceId } = JSON.parse(
      localStorage.getItem(STORE) ?? '{}',
    ) as Partial<CameraSettings>;
    return Object.fromEntries(
      Object.entries({ feed, width, height, fps, deviceId }).filter(([, value]) => value !== undefined),
    );
  } catch {
    return {};
  }
}

export const control = openControl();
export const sender = new Sender(start());
export const isCamera = sender.settings.peek().kind === 'camera';
export const mirrored = signal(isCamera);
export const aidWanted = signal(query.get('aid') !== '0' && isCamera);
export const devices = signal<MediaDeviceInfo[]>([]);
export const soundInputs = signal<MediaDeviceInfo[]>([]);

export const ltc = new LtcListener(
  () => control.clock.offsetUs,
  (heard) => {
    const feed = sender.settings.peek().feed;
    const served = control.feeds.peek().find(({ name }) => name === feed);
    // The timecode belongs to the picture: without one there is nothing to tell.
    if (sender.link.status.peek().phase === 'open' && served && served.state !== 'idle')
      control.send({ type: 'timecode', feed, ...heard });
  },
);

async function listDevices(): Promise<void> {
  const found = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  // Before permission is given, the list holds entries without a name: nothing to choose from.
  devices.value = found.filter((device) => device.kind === 'videoinput' && device.deviceId !== '');
  soundInputs.value = found.filter((device) => device.kind === 'audioinput' && device.deviceId !== '');
}

effect(() => {
  const allowed = sender.microphone.track.value ?? ltc.heard.value;
  if (sender.source.value || allowed) void listDevices();
});
effect(() => {
  const { feed, width, height, fps, deviceId } = sender.settings.value;
  if (isCamera) localStorage.setItem(STORE, JSON.stringify({ feed, width, height, fps, deviceId }));
});

export function begin(): void {
  navigator.mediaDevices?.addEventListener?.('devicechange', () => void listDevices());
  if (sender.settings.peek().kind !== 'file') void sender.open();
  if (query.get('go') === '1') sender.go();
}

onReturn(control, () => sender.resume(control.feeds.peek().find(({ name }) => name === sender.settings.peek().feed)));
