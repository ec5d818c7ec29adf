import type { Shown, ShownFrame } from '../shared/latency.ts';
import { CounterReader, type CounterReading } from './counter-reader.ts';
import { control, feed, links, meters, onFrame, type Slot, videos, view } from './model.ts';
import { leadingVideo } from './Picture.tsx';

/** window.understudy on /monitor: for measurements and tests; nothing in the product reads it. */
export interface MonitorDebug {
  readonly page: 'monitor';
  /** The element whose picture leads. */
  readonly video: HTMLVideoElement | null;
  readonly videos: Record<Slot, HTMLVideoElement | null>;
  readonly lastFrame: Record<Slot, ShownFrame | null>;
  readonly view: string;
  readonly feed: unknown;
  readonly clock: { offsetUs: number | null; rttMs: number | null };
  pc(rendition: Slot): RTCPeerConnection | null;
  shown(rendition: Slot): Shown | null;
  /**
   * Reads the marks of `/camera?source=counter` from every frame that is shown from now on (shared/testcard.ts), into the
   * list that it returns. Frames without readable marks are listed with a null count.
   */
  readCounter(rendition: Slot): CounterReading[];
  /** Calls back with every frame, with the video element that shows it. Returns the unsubscriber. */
  onFrame(listener: (rendition: Slot, frame: ShownFrame, video: HTMLVideoElement) => void): () => void;
}

declare global {
  interface Window {
    understudy?: unknown;
  }
}

export function exposeDebug(): void {
  const debug: MonitorDebug = {
    page: 'monitor',
    videos,
    get video() {
      return leadingVideo();
    },
    get lastFrame() {
      return { program: meters.program?.last ?? null, plate: meters.plate?.last ?? null };
    },
    get view() {
      return view.peek();
    },
    get feed() {
      return feed.peek();
    },
    get clock() {
      return { offsetUs: control.clock.offsetUs, rttMs: control.clock.rttMs };
    },
    pc: (rendition) => links[rendition].connection.peek()?.pc ?? null,
    shown: (rendition) => meters[rendition]?.read() ?? null,
    readCounter: (rendition) => {
      const reader = new CounterReader();
      const readings: CounterReading[] = [];
      onFrame((name, frame) => {
        const video = videos[rendition];
        if (name === rendition && video) readings.push(reader.read(video, frame));
      });
      return readings;
    },
    onFrame: (listener) =>
      onFrame((rendition, frame) => {
        const video = videos[rendition];
        if (video) listener(rendition, frame, video);
      }),
  };
  window.understudy = debug;
}
