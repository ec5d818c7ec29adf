/**
 * A feed's sound: the camera's, or the mixer's while one is connected. It goes out with each rendition, held back by as much as
 * that rendition's pictures take, so that what was captured together leaves together.
 */
import { Problem } from '../config/problem.ts';
import type { CodedAudio } from '../frame/coded.ts';
import type { MediaEngine, SoundSession, SoundStats } from '../media/port.ts';
import type { FeedInfo } from '../wire/messages.ts';
import { countsOf, type SessionBegan, type SessionEnded } from './records.ts';
import { Totals } from './totals.ts';

const HZ = 48_000;
/** From one source to the next, RTP time and capture time may part by so much: what a picture's delay wanders. */
const NEXT_LEAP_US = 200_000;
/**
 * Within one source, capture time moves against RTP time when its clock is known better (media/rtp/clock.ts: what came first came late) or its path
 * changes, and its RTP times stay right. More than this is a sender that has changed its own source.
 */
const SAME_LEAP_US = 5_000_000;
/** Ticks between two sources: one packet of the usual length. */
const PACKET_TICKS = 960;
/** No packet for this long is silence; senders with discontinuous transmission send one every 400 ms (RFC 7587 §3.1.3). */
const SILENT_MS = 2000;

export interface FeedSoundOptions {
  feed: string;
  media: MediaEngine;
  changed(): void;
  session(began: SessionBegan): SessionEnded;
  /** The feed's renditions: each holds sound back for its own pictures. */
  out: { sendSound(audio: CodedAudio): void; dropSound(): void };
}

/** RTP times of several sources, one after another, as one stream that never leaps. */
class Continuity {
  #base = 0;
  #last: { rtpTs: number; captureUs: number; source: object } | null = null;

  /** @param source the session that it came by. */
  next(audio: CodedAudio, source: object): CodedAudio {
    let rtpTs = (audio.rtpTs + this.#base) >>> 0;
    const last = this.#last;
    if (last) {
      const passedUs = audio.captureUs - last.captureUs;
      const leapUs = last.source === source ? SAME_LEAP_US : NEXT_LEAP_US;
      if (Math.abs((((rtpTs - last.rtpTs) | 0) * 1e6) / HZ - passedUs) > leapUs) {
        rtpTs = (last.rtpTs + Math.max(PACKET_TICKS, Math.round((passedUs * HZ) / 1e6))) >>> 0;
        this.#base = (rtpTs - audio.rtpTs) >>> 0;
      }
    }
    this.#last = { rtpTs, captureUs: audio.captureUs, source };
    return rtpTs === audio.rtpTs ? audio : { ...audio, rtpTs };
  }
}

/** Owns the mixer's session. */
export class FeedSound {
  readonly #options: FeedSoundOptions;
  readonly #continuity = new Continuity();
  readonly #totals = new Totals(['packets', 'lost']);
  #mixer: SoundSession | null = null;
  #publishing = false;
  #heardAtMs = { camera: -Infinity, mixer: -Infinity };
  #cameraThere = false;
  /** Stands for the camera's session. */
  #camera = {};

  constructor(options: FeedSoundOptions) {
    this.#options = options;
  }

  fromCamera(audio: CodedAudio): void {
    this.#cameraThere = true;
    this.#heardAtMs.camera = performance.now();
    if (!this.#mixer) this.#send(audio, this.#camera);
  }

  cameraCame(): void {
    this.#cameraThere = true;
    this.#camera = {};
  }

  /** The camera's last counts, where it had sound. The mixer stays and waits for the next camera. */
  cameraGone(last: SoundStats | null = null): void {
    if (last) this.#totals.end(last);
    this.#cameraThere = false;
    this.#heardAtMs.camera = -Infinity;
    this.#options.out.dropSound();
  }

  /** A mixer's offer. A silent mixer gives way to a new one. Throws `Problem`. */
  async publish(offer: string): Promise<SoundSession> {
    const { media, feed } = this.#options;
    if (!media.ingestSound) throw new Problem('sdp_unusable', 'This media engine takes no sound by itself.');
    const silent = performance.now() - this.#heardAtMs.mixer > SILENT_MS;
    if (this.#publishing || (this.#mixer && !silent))
      throw new Problem('feed_busy', `The feed "${feed}" has its mixer already.`);
    this.#mixer?.close();
    this.#publishing = true;
    try {
      const owner: { session: SoundSession | null; ended: SessionEnded | null } = { session: null, ended: null };
      const session = await media.ingestSound(offer, {
        sound: (audio) => {
          if (owner.session && this.#mixer === owner.session) this.#fromMixer(audio, owner.session);
        },
        state: (state, reason) => {
          if (state === 'closed' && owner.session) owner.ended?.(reason, countsOf(owner.session.stats()));
          if (state === 'closed' && owner.session && this.#mixer === owner.session) {
            this.#totals.end(owner.session.stats());
            this.#mixer = null;
          }
          this.#options.changed();
        },
      });
      owner.session = session;
      owner.ended = this.#options.session({ kind: 'mixer', rendition: null });
      this.#mixer = session;
      this.#heardAtMs.mixer = performance.now();
      this.#options.changed();
      return session;
    } finally {
      this.#publishing = false;
    }
  }

  /** The mixer's session; null when it is not of this id. */
  session(id: string): SoundSession | null {
    return this.#mixer?.id === id ? this.#mixer : null;
  }

  /** Ends the mixer's session; false when it is another's. */
  end(session: string): boolean {
    if (this.#mixer?.id !== session) return false;
    this.#mixer.close();
    return true;
  }

  /** Counts of all sound of the feed so far, the camera's while the mixer is heard among them. */
  totals(camera: SoundStats | null): Record<'packets' | 'lost', number> {
    return this.#totals.sum([camera, this.#mixer?.stats()].filter((stats) => !!stats));
  }

  info(camera: SoundStats | null): FeedInfo['sound'] {
    const source = this.#mixer ? 'mixer' : 'camera';
    const stats = this.#mixer?.stats() ?? camera;
    // A camera's offer may have an audio section that it never fills.
    if (!stats || (source === 'camera' && stats.packets === 0)) return null;
    return {
      source,
      bitrate: Math.round(stats.bitrate),
      lostPct: Math.round((1000 * stats.lost) / Math.max(1, stats.packets + stats.lost)) / 10,
      silent: performance.now() - this.#heardAtMs[source] > SILENT_MS,
    };
  }

  close(): void {
    this.#mixer?.close();
  }

  #fromMixer(audio: CodedAudio, session: SoundSession): void {
    this.#heardAtMs.mixer = performance.now();
    if (this.#cameraThere) this.#send(audio, session);
  }

  #send(audio: CodedAudio, source: object): void {
    this.#options.out.sendSound(this.#continuity.next(audio, source));
  }
}
