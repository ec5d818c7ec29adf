import type { FromEngine, ToEngine } from '../channel/messages.ts';
import { Problem } from '../config/problem.ts';
import type { CodedFrame } from '../frame/coded.ts';
import { monotonicUs } from '../media/rtp/clock.ts';
import type { RenditionName } from '../wire/messages.ts';
import type { FrameTrace, TraceStage } from '../wire/trace.ts';

type Traced = Extract<FromEngine, { type: 'traced' }>;

/** A program frame comes at least this often where one comes at all. */
const WAIT_MS = 2000;

/** The frame that is on its way. */
interface Underway {
  id: number;
  camera: CodedFrame;
  stages: TraceStage[];
  engine: Traced | null;
  sent: { rendition: RenditionName; viewers: number; beginUs: number; endUs: number } | null;
}

const why = {
  sent: '',
  skipped: 'The last one was skipped, because newer ones waited.',
  undecodable: 'The last one could not be decoded.',
  unwatched: 'Nobody watches its program, so none is made.',
  failed: 'The last one failed: the monitor says why.',
} as const;

/** Follows one frame of a feed through every stage, when somebody asks; else it costs a comparison a frame. */
export class FrameTracing {
  readonly #feed: string;
  #asked: PromiseWithResolvers<FrameTrace> | null = null;
  #deadline: NodeJS.Timeout | null = null;
  #underway: Underway | null = null;
  #missed = 0;
  #last: Traced['outcome'] = 'sent';
  #ids = 0;

  constructor(feed: string) {
    this.#feed = feed;
  }

  /** The next program frame's way; whoever asks meanwhile gets the same. Throws `Problem` no_frame where none comes in two seconds. */
  next(): Promise<FrameTrace> {
    if (this.#asked) return this.#asked.promise;
    const asked = Promise.withResolvers<FrameTrace>();
    this.#asked = asked;
    this.#missed = 0;
    this.#last = 'sent';
    this.#deadline = setTimeout(() => {
      this.#settle();
      asked.reject(new Problem('no_frame', why[this.#last] || undefined, 1));
    }, WAIT_MS);
    return asked.promise;
  }

  /** The feed closes. */
  close(): void {
    const asked = this.#asked;
    this.#settle();
    asked?.reject(new Problem('no_frame'));
  }

  /** Hands a camera's frame to the engine, through `send`; `arrivalMs` (performance.now) is when its last packet came. */
  toEngine(
    frame: CodedFrame,
    arrivalMs: number | undefined,
    link: { send(message: ToEngine): void; sendFrame(role: 'ingest', frame: CodedFrame): void },
  ): void {
    if (!this.#asked || this.#underway) {
      link.sendFrame('ingest', frame);
      return;
    }
    const nowUs = monotonicUs();
    const lastPacketUs = arrivalMs === undefined ? nowUs : nowUs - Math.round((performance.now() - arrivalMs) * 1000);
    const id = ++this.#ids;
    link.send({ type: 'trace', id });
    link.sendFrame('ingest', frame);
    const stages: TraceStage[] = [
      { stage: 'assemble', process: 'front', beginUs: lastPacketUs, endUs: nowUs },
      { stage: 'hand to engine', process: 'front', beginUs: nowUs, endUs: monotonicUs() },
    ];
    this.#underway = { id, camera: frame, stages, engine: null, sent: null };
  }

  /** Sends an engine's frame on, through `send`, which says to how many viewers. */
  fromEngine(rendition: RenditionName, frame: CodedFrame, send: () => number): void {
    const underway = this.#underway;
    if (!underway || underway.sent || rendition === 'plate' || frame.rtpTs !== underway.camera.rtpTs) {
      send();
      return;
    }
    const beginUs = monotonicUs();
    const viewers = send();
    underway.sent = { rendition, viewers, beginUs, endUs: monotonicUs() };
    this.#finish(underway);
  }

  heard(message: Traced): void {
    const underway = this.#underway;
    if (underway?.id !== message.id) return;
    this.#last = message.outcome;
    underway.engine = message;
    if (message.outcome === 'sent') {
      this.#finish(underway);
      return;
    }
    this.#missed++;
    this.#underway = null;
  }

  /** An engine that was lost answers nothing any more. */
  engineLost(): void {
    this.#underway = null;
  }

  #finish({ camera, stages, engine, sent }: Underway): void {
    if (!engine || !sent || !this.#asked) return;
    const inEngine = engine.stages.map((stage): TraceStage => ({ ...stage, process: 'engine' }));
    const [first, last] = [inEngine[0], inEngine.at(-1)];
    const handed = stages.at(-1);
    // The ways between the processes: from the hand that gives to the hand that takes.
    if (first && handed) {
      // A front that was held up right after the hand-over reads its clock when the engine is at work already.
      handed.endUs = Math.max(handed.beginUs, Math.min(handed.endUs, first.beginUs));
      stages.push({
        stage: 'to engine',
        process: 'engine',
        beginUs: handed.endUs,
        endUs: Math.max(handed.endUs, first.beginUs),
      });
    }
    stages.push(...inEngine);
    if (last)
      stages.push({
        stage: 'to front',
        process: 'front',
        beginUs: last.endUs,
        endUs: Math.max(last.endUs, sent.beginUs),
      });
    stages.push({ stage: 'send', process: 'front', beginUs: sent.beginUs, endUs: sent.endUs });
    const beganUs = stages[0]?.beginUs ?? sent.beginUs;
    const trace: FrameTrace = {
      feed: this.#feed,
      rtpTs: camera.rtpTs,
      captureUs: Math.round(camera.captureUs),
      key: camera.key,
      bytes: camera.bytes.length,
      rendition: sent.rendition,
      viewers: sent.viewers,
      stages: stages.sort((a, b) => a.beginUs - b.beginUs),
      totalUs: sent.endUs - beganUs,
      missed: this.#missed,
    };
    const asked = this.#asked;
    this.#settle();
    asked.resolve(trace);
  }

  #settle(): void {
    if (this.#deadline) clearTimeout(this.#deadline);
    this.#asked = null;
    this.#underway = null;
  }
}
