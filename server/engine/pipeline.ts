/**
 * The frame loop of one feed: coded frames in, program out. Every coded frame is decoded; pictures are skipped only between decode
 * and inference, newest first, and each skip is counted. The encoder of one picture runs while the next is decoded and looked at.
 */
import type { LookParams } from '../double/replacer.ts';
import { type CodedFrame, type Rotation, uprightSize } from '../frame/coded.ts';
import type { Picture } from '../frame/frame.ts';
import type { Kernels } from '../frame/kernels.ts';
import type { RenditionKey, RenditionName, UncastPolicy } from '../wire/messages.ts';
import type { Encoders, EncodersEvents, Outputs } from './encoders.ts';
import type { FaceStage, ShownFace } from './face-stage.ts';
import type { FrameTimes } from './frame-times.ts';
import { Overload } from './overload.ts';
import type { Pictures } from './pictures.ts';
import type { Decoded } from './sizes.ts';
import { StageTimes } from './stage-times.ts';

/** Coded frames that may wait before pictures are skipped: one late frame is caught up with, a second means falling behind. */
const MAX_WAITING = 2;

/** Coded frames that may wait at all, about a second: beyond it decoding itself has fallen behind, and only a new start catches up. */
const MAX_BACKLOG = 30;

/** Frames in a row without a picture, about a second, after which somebody should know: lost packets are repaired sooner. */
const BLIND = 30;

export interface PipelineEvents {
  frame(rendition: RenditionName, frame: CodedFrame): void;
  needKey(): void;
  /** The picture's size changed (also at the start): time for a new slate. */
  size(width: number, height: number): void;
  trouble(sentence: string): void;
  traced?(message: ReturnType<FrameTimes['message']>): void;
}

/** Makes pictures of what comes in: a decoder, or a reader of pictures that came as they are. */
export interface PictureReader<Input> {
  decode(input: Input): Promise<Decoded>;
  reset(): void;
}

export interface PipelineParts<Input> {
  pictures: Pictures;
  decoder: PictureReader<Input>;
  /** One for each rendition that somebody watches. */
  encoders: Encoders;
  kernels: Kernels;
  /** Null: decode and encode only. */
  faces: FaceStage | null;
  /** What to assume where the bitstream does not name its matrix. */
  unknownMatrix: 'bt709' | 'bt601' | 'bt2020';
  events: PipelineEvents;
}

export interface PipelineCounts {
  decoded: number;
  encoded: number;
  skipped: number;
  undecodable: number;
}

/** `Input` is what a camera's pictures come as: coded frames, or raw pictures where libwebrtc has decoded them. */
interface Waiting<Input> {
  coded: Input;
  atMs: number;
  /** Where somebody asked for this frame's way. */
  trace: FrameTimes | null;
}

export class Pipeline<Input extends { key: boolean } = CodedFrame> {
  readonly counts: PipelineCounts = { decoded: 0, encoded: 0, skipped: 0, undecodable: 0 };
  readonly times = new StageTimes();
  uncast: UncastPolicy = 'look';
  /** The look's dials. */
  params: LookParams = {};
  readonly #parts: PipelineParts<Input>;
  readonly #queue: Waiting<Input>[] = [];
  readonly #overload = new Overload();
  #running: Promise<void> | null = null;
  #resetWanted = false;
  #forgetWanted = false;
  #keyFirst = false;
  #encoding: Promise<void> = Promise.resolve();
  #size = { width: 0, height: 0 };
  #lastCaptureUs = 0;
  #shown: ShownFace[] = [];
  #blind = 0;
  #frames = 0;
  #working = false;
  #closed = false;

  constructor(parts: PipelineParts<Input>) {
    this.#parts = parts;
  }

  get scale(): number {
    return this.#overload.scale;
  }

  /** Which frame is in work, counted from the start; null between frames. */
  get working(): number | null {
    return this.#working ? this.#frames : null;
  }

  get shown(): readonly ShownFace[] {
    return this.#shown;
  }

  get size(): Readonly<{ width: number; height: number }> {
    return this.#size;
  }

  /** Which renditions are watched: what nobody watches is not made. */
  want(wanted: readonly RenditionKey[]): void {
    const { encoders } = this.#parts;
    const before = encoders.needs.program;
    encoders.want(wanted);
    // Faces seen before a pause say nothing of those after it.
    if (encoders.needs.program && !before) this.#forgetWanted = true;
  }

  push(coded: Input, trace: FrameTimes | null = null): void {
    if (this.#closed) return;
    if (this.#queue.length >= MAX_BACKLOG) this.#restart();
    this.#queue.push({ coded, atMs: performance.now(), trace });
    this.#start();
  }

  /** The camera has gone: the next one starts with a key frame, unknown faces and full size. */
  reset(): void {
    this.#queue.length = 0;
    // Codecs work on other threads: they may be reset only between two frames.
    this.#resetWanted = true;
    this.#start();
  }

  /** Settles when the frame in work has left; then codecs and models may be closed. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#queue.length = 0;
    await this.#running;
    await this.#encoding;
  }

  /** Gives up what waits and goes on with the camera's next key frame: a late picture is worth less than a missing one. */
  #restart(): void {
    this.counts.skipped += this.#queue.length;
    this.#queue.length = 0;
    this.#keyFirst = true;
    this.#parts.events.trouble(
      'This machine cannot decode the camera in time: frames were skipped. Choose a smaller size on the camera.',
    );
    this.#parts.events.needKey();
  }

  #start(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
      // Something may have come between the loop's last look and here.
      if (!this.#closed && (this.#queue.length > 0 || this.#resetWanted)) this.#start();
    });
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      if (this.#resetWanted) this.#reset();
      if (this.#forgetWanted) this.#parts.faces?.reset();
      this.#forgetWanted = false;
      const next = this.#queue.shift();
      if (!next) return;
      if (this.#keyFirst && !next.coded.key) {
        this.counts.skipped++;
        this.#parts.events.needKey();
        continue;
      }
      this.#keyFirst = false;
      this.#frames++;
      this.#working = true;
      try {
        await this.#frame(next);
      } catch (error) {
        this.#traced(next.trace, 'failed');
        this.#parts.events.trouble(error instanceof Error ? error.message : String(error));
      } finally {
        this.#working = false;
      }
    }
  }

  #reset(): void {
    this.#resetWanted = false;
    this.#parts.decoder.reset();
    this.#parts.faces?.reset();
    this.#overload.reset();
    this.#shown = [];
  }

  #traced(trace: FrameTimes | null, outcome: Parameters<FrameTimes['message']>[0]): void {
    if (trace) this.#parts.events.traced?.(trace.message(outcome));
  }

  async #frame({ coded, atMs, trace }: Waiting<Input>): Promise<void> {
    const { decoder, events, pictures } = this.#parts;
    const began = performance.now();
    this.times.add('wait', began - atMs);
    trace?.add('wait', atMs, began);
    const decoded = await decoder.decode(coded);
    this.times.add('decode', performance.now() - began);
    trace?.add('decode', began);
    if (!('picture' in decoded)) {
      this.#traced(trace, 'undecodable');
      this.counts.undecodable++;
      if (++this.#blind % BLIND === 0)
        events.trouble(
          'No picture of the camera can be decoded: it sends no key frames, or a kind of video that is not understood. Start it again, or set it to H.264 without B frames.',
        );
      if (decoded.needKey) events.needKey();
      else events.trouble(decoded.why);
      return;
    }
    this.counts.decoded++;
    this.#blind = 0;
    const { picture, rotation = 0 } = decoded;
    if (this.#queue.length >= MAX_WAITING) {
      this.counts.skipped++;
      this.#traced(trace, 'skipped');
      pictures.give(picture);
    } else if (this.#parts.encoders.wanted.length > 0) {
      await this.#picture(this.#scaled(this.#upright(picture, rotation)), began, atMs, trace);
    } else {
      // Decoded all the same, so that the first monitor that comes has its picture at once.
      this.#noteSize(uprightSize({ ...picture, rotation }));
      this.#shown = [];
      this.#traced(trace, 'unwatched');
      pictures.give(picture);
    }
  }

  /** Takes the picture over; it goes back after its encoders have read it. */
  async #picture(picture: Picture, beganMs: number, atMs: number, trace: FrameTimes | null): Promise<void> {
    const { encoders, faces, pictures } = this.#parts;
    const { program, plate } = encoders.needs;
    const outputs: Outputs = { program: null, plate: null };
    if (program) outputs.program = picture;
    else outputs.plate = picture;
    try {
      if (plate && program) outputs.plate = pictures.copy(picture);
      this.#noteSize(picture);
      if (program && faces) await this.#replaceFaces(faces, picture, trace);
      const ready = performance.now();
      // One picture in the encoder at a time; waiting here is what lets newer pictures be skipped instead of piling up.
      await this.#encoding;
      trace?.add('encoder wait', ready);
    } catch (error) {
      // Withheld: what could not be looked through to the end is not shown.
      this.#give(outputs);
      throw error;
    }
    this.#account(picture, performance.now() - beganMs);
    this.#encoding = this.#encode(outputs, atMs, trace);
  }

  async #replaceFaces(faces: FaceStage, picture: Picture, trace: FrameTimes | null): Promise<void> {
    const began = performance.now();
    const named =
      picture.colour.matrix === 'unknown'
        ? { ...picture, colour: { ...picture.colour, matrix: this.#parts.unknownMatrix } }
        : picture;
    const report = await faces.process(named, this.uncast, this.params);
    this.#shown = report.faces;
    for (const [stage, ms] of Object.entries(report.ms)) this.times.add(stage, ms);
    trace?.chain(began, report.ms);
    if (report.trouble) this.#parts.events.trouble(report.trouble);
  }

  async #encode(outputs: Outputs, atMs: number, trace: FrameTimes | null): Promise<void> {
    const { encoders, events } = this.#parts;
    let programDone = false;
    const heard: EncodersEvents = {
      frame: events.frame,
      trouble: events.trouble,
      took: ({ name, codec }, ms) => {
        const main = name === 'program' && codec === 'h264';
        this.times.add(main ? 'encode' : `encode ${name} ${codec}`, ms);
        if (name === 'plate' || programDone) return;
        programDone = true;
        trace?.add('encode', performance.now() - ms);
        this.counts.encoded++;
        this.times.add('total', performance.now() - atMs);
      },
    };
    await encoders.encode(outputs, heard);
    this.#traced(trace, programDone ? 'sent' : 'unwatched');
    this.#give(outputs);
  }

  #give({ program, plate }: Outputs): void {
    if (program) this.#parts.pictures.give(program);
    if (plate) this.#parts.pictures.give(plate);
  }

  /** A phone's picture as it is to be seen: faces are only looked for in one that stands upright. */
  #upright(picture: Picture, rotation: Rotation): Picture {
    if (rotation === 0) return picture;
    const { pictures, kernels } = this.#parts;
    const { width, height, colour, id } = picture;
    try {
      const size = uprightSize({ width, height, rotation });
      const upright = pictures.take(size.width, size.height, colour, id);
      kernels.turn(picture.at, width, height, rotation / 90, upright.at);
      return upright;
    } finally {
      pictures.give(picture);
    }
  }

  #scaled(picture: Picture): Picture {
    const { scale } = this.#overload;
    if (scale === 1) return picture;
    const { pictures, kernels } = this.#parts;
    const even = (size: number): number => Math.max(16, Math.round((size * scale) / 2) * 2);
    try {
      const small = pictures.take(even(picture.width), even(picture.height), picture.colour, picture.id);
      kernels.scale(picture.at, picture.width, picture.height, small.at, small.width, small.height);
      return small;
    } finally {
      pictures.give(picture);
    }
  }

  #noteSize({ width, height }: Pick<Picture, 'width' | 'height'>): void {
    if (this.#size.width === width && this.#size.height === height) return;
    this.#size = { width, height };
    this.#parts.events.size(width, height);
  }

  #account(picture: Picture, workMs: number): void {
    const intervalMs = (picture.id.captureUs - this.#lastCaptureUs) / 1000;
    this.#lastCaptureUs = picture.id.captureUs;
    if (!this.#parts.faces) return;
    const scale = this.#overload.add(workMs, intervalMs);
    if (scale !== null)
      this.#parts.events.trouble(
        scale === 1
          ? 'Back to full resolution.'
          : `Resolution lowered to ${Math.round(scale * 100)} %: this machine is too slow for the full size.`,
      );
  }
}
