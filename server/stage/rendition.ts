import type { CodedFrame } from '../frame/coded.ts';
import type { RenditionOut, ViewerSession } from '../media/port.ts';
import type { RenditionKey } from '../wire/messages.ts';
import { Rate } from './rate.ts';
import { SlateShow } from './slate.ts';
import { SoundOut } from './sound-hold.ts';

/** A tablet that loads its page again finds its encoder still open. */
export const LINGER_MS = 2000;

export interface RenditionEvents {
  /** The camera's bitstream took over from the engine's encoding, or the other way round. */
  sourceChanged(): void;
  /** The engine's encoding cannot take over without a key frame. */
  keyNeeded(): void;
  viewerBegan(viewer: ViewerSession): void;
  viewerEnded(viewer: ViewerSession, reason: string): void;
  /** Nobody has watched for a while. */
  idle(): void;
}

/**
 * One open rendition: its viewers, its slate, and where its frames come from. A plate is the camera's own bitstream wherever that
 * suits; else, as everything else, it is the engine's. Sources change at a key frame of the new one.
 */
export class Rendition {
  readonly key: RenditionKey;
  readonly slate: SlateShow;
  readonly sound: SoundOut;
  readonly rate = new Rate();
  readonly #out: RenditionOut;
  readonly #events: RenditionEvents;
  readonly #viewers = new Map<string, ViewerSession>();
  #opening = 0;
  #source: 'camera' | 'engine';
  #suits: boolean;
  #watched = false;
  #lastTs: number | null = null;
  #closed = false;
  #linger: NodeJS.Timeout | null = null;

  /** @param suits whether the camera's own bitstream is this rendition */
  constructor(key: RenditionKey, out: RenditionOut, suits: boolean, events: RenditionEvents) {
    this.key = key;
    this.slate = new SlateShow(out, key.codec);
    this.sound = new SoundOut(out);
    this.#out = out;
    this.#events = events;
    this.#suits = suits;
    this.#source = suits ? 'camera' : 'engine';
  }

  get viewers(): ReadonlyMap<string, ViewerSession> {
    return this.#viewers;
  }

  /** Whether the engine has to make it. */
  get encoded(): boolean {
    return !(this.#suits && this.#source === 'camera');
  }

  /** Somebody watches or has just done so. */
  get watched(): boolean {
    return this.#watched;
  }

  /** Nobody watches, or is about to. */
  get idle(): boolean {
    return this.#viewers.size === 0 && this.#opening === 0;
  }

  async addViewer(offer: string): Promise<ViewerSession> {
    this.#opening++;
    if (this.#linger) clearTimeout(this.#linger);
    this.#linger = null;
    const owner: { session: ViewerSession | null; gone: boolean } = { session: null, gone: false };
    try {
      const session = await this.#out.addViewer(offer, (reason) => {
        owner.gone = true;
        if (owner.session) this.#ended(owner.session, reason);
      });
      owner.session = session;
      if (!owner.gone) {
        this.#viewers.set(session.id, session);
        this.#events.viewerBegan(session);
      }
      this.#watched = true;
      return session;
    } finally {
      this.#opening--;
      this.#rest();
    }
  }

  /** A frame of the camera. `suits`: it is what this rendition shows, as it is. True where a key frame of the camera is waited for. */
  fromCamera(frame: CodedFrame, suits: boolean): boolean {
    if (suits !== this.#suits) {
      this.#suits = suits;
      this.#events.sourceChanged();
    }
    if (!suits) return false;
    if (this.#source === 'engine') {
      if (!frame.key) return true;
      this.#source = 'camera';
      this.slate.stop();
      this.#events.sourceChanged();
    }
    this.#send(frame);
    return false;
  }

  /** A frame that the engine has encoded. */
  fromEngine(frame: CodedFrame): void {
    if (this.#source === 'camera') {
      if (this.#suits) return;
      // Pictures from before the change are on their way for a moment, and its encoder may have been open still.
      const later = this.#lastTs === null || ((frame.rtpTs - this.#lastTs) | 0) > 0;
      if (!later || !frame.key) {
        this.#events.keyNeeded();
        return;
      }
      this.#source = 'engine';
    }
    this.slate.stop();
    this.slate.passed(frame);
    this.#send(frame);
  }

  close(): void {
    this.#closed = true;
    if (this.#linger) clearTimeout(this.#linger);
    this.#linger = null;
    this.slate.stop();
    this.sound.close();
    this.#out.close();
  }

  #send(frame: CodedFrame): void {
    this.#lastTs = frame.rtpTs;
    this.rate.tick();
    this.#out.send(frame);
    this.sound.passed(frame);
  }

  #ended(session: ViewerSession, reason: string): void {
    this.#viewers.delete(session.id);
    this.#events.viewerEnded(session, reason);
    this.#rest();
  }

  #rest(): void {
    if (this.idle && !this.#closed) this.#linger ??= setTimeout(() => this.#events.idle(), LINGER_MS);
  }
}
