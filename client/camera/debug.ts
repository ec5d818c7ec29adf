import { sender } from './model.ts';
import type { SentStats } from './stats.ts';

/** window.understudy on /camera: for measurements and tests; nothing in the product reads it. */
export interface CameraDebug {
  readonly page: 'camera';
  /** closed, opening, open, waiting or refused. */
  readonly phase: string;
  /** Pictures drawn so far by a drawn source. */
  readonly drawn: number;
  readonly stats: SentStats | null;
  readonly track: MediaStreamTrack | null;
  readonly pc: RTCPeerConnection | null;
  go(): void;
  stop(): void;
}

export function exposeDebug(): void {
  const debug: CameraDebug = {
    page: 'camera',
    get phase() {
      return sender.link.status.peek().phase;
    },
    get drawn() {
      return sender.source.peek()?.drawn() ?? 0;
    },
    get stats() {
      return sender.stats.peek();
    },
    get track() {
      return sender.source.peek()?.track ?? null;
    },
    get pc() {
      return sender.link.connection.peek()?.pc ?? null;
    },
    go: () => sender.go(),
    stop: () => sender.stop(),
  };
  window.understudy = debug;
}
