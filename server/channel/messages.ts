import { z } from 'zod';
import { inferenceSettings } from '../inference/settings.ts';
import { ageYears } from '../wire/age.ts';
import { casting, castingId, castingState, neutralFace } from '../wire/casting.ts';
import { faceInfo, renditionKey, uncastPolicy } from '../wire/messages.ts';
import { peerOrders, peerReports } from './peer-messages.ts';

/** What front and engine say to each other beside frames. Checked on both sides: an engine may one day be another version. */

/** Castings of one feed; looks open at once are fewer (server/engine/worn.ts). */
export const MAX_CASTINGS = 16;

export const feedSettings = z.object({
  look: z.string(),
  uncast: uncastPolicy,
  age: ageYears,
  /** Who is cast, with the face at rest they are known by; absent: nobody. Faces of no casting follow the feed's own settings. */
  castings: z
    .array(
      z.object({
        casting,
        /** Left out where the engine has it, because it was told before or captured it itself, and where there is none. */
        neutral: neutralFace.nullish(),
        /** With `open`: where an engine before this one saw the performer last: the middle of the face and its width, in picture widths. */
        last: z.object({ x: z.number(), y: z.number(), w: z.number().positive(), captureUs: z.number() }).nullish(),
      }),
    )
    .max(MAX_CASTINGS)
    .optional(),
});
export type FeedSettings = z.infer<typeof feedSettings>;

/** Where the peers are. rtp: in the front, and coded frames cross this channel. wrtc: in the engine, and none do. */
const mediaKind = z.enum(['rtp', 'wrtc']);

/** Front → engine. */
export const toEngine = z.discriminatedUnion('type', [
  /**
   * To a spare, first and whenever the looks change: load everything that a feed will need, whichever it will be. Answered by
   * `prepared` each time.
   */
  z.object({
    type: z.literal('prepare'),
    looks: z.array(z.string()),
    media: mediaKind,
    memoryMb: z.number().int().min(64).max(4000),
    passThrough: z.boolean(),
    /** Whether what stands before a face is left out of what is drawn over it. */
    occlusion: z.boolean().optional(),
    /** Whether faces that are close are drawn in more detail. */
    closeUps: z.boolean().optional(),
    inference: inferenceSettings,
  }),
  /** What this engine is for: a spare's second message, any other engine's first. Answered by `ready`. */
  z.object({
    type: z.literal('open'),
    feed: z.string(),
    settings: feedSettings,
    media: mediaKind,
    /** Bits per second. */
    programBitrate: z.number(),
    lowBitrate: z.number(),
    encoderThreads: z.number().int().min(1).max(16),
    /** What encodes H.264; nvenc: that of the GPU that networks are placed on. */
    videoEncoder: z.enum(['cpu', 'nvenc']),
    /** Kernel memory to reserve (address space). */
    memoryMb: z.number().int().min(64).max(4000),
    /** Colour to assume where the bitstream says nothing. */
    unknownColour: z.enum(['bt709', 'bt601', 'bt2020']),
    /** Pass the picture through decode and encode only (a measuring mode; refused for feeds that carry a face). */
    passThrough: z.boolean(),
    /** Whether what stands before a face is left out of what is drawn over it. */
    occlusion: z.boolean().optional(),
    /** Whether faces that are close are drawn in more detail. */
    closeUps: z.boolean().optional(),
    inference: inferenceSettings,
    /** The slates that the front has already. */
    slates: z.array(z.object({ rendition: renditionKey, width: z.number(), height: z.number() })).max(16),
  }),
  z.object({ type: z.literal('settings'), settings: feedSettings }),
  /** The operator says whose face a track is; null: nobody's that is cast. */
  z.object({ type: z.literal('bind'), casting: castingId.nullable(), track: z.number().int() }),
  /** The performer holds still from now on: their face at rest is wanted. Answered by `neutral`, or by the casting's state `moved`. */
  z.object({ type: z.literal('neutral'), casting: castingId }),
  /** Whether to say where faces are more often than `stats` does. Answered by `faces`. */
  z.object({ type: z.literal('follow'), on: z.boolean() }),
  /** Other bit rates from the next picture on, which is then a key frame. */
  z.object({ type: z.literal('rates'), programBitrate: z.number(), lowBitrate: z.number() }),
  /**
   * Which renditions the engine makes, one encoder each, until it is told otherwise; none: pictures are decoded and no more. A plate
   * is among them only where the camera's own bitstream does not suit its viewers.
   */
  z.object({ type: z.literal('wanted'), renditions: z.array(renditionKey).max(16) }),
  z.object({ type: z.literal('keyRequest'), rendition: renditionKey }),
  /** The camera has gone: forget tracks, codecs start anew with the next key frame. */
  z.object({ type: z.literal('cameraGone') }),
  /** The frame right behind this message is to be traced: answered by `traced`. */
  z.object({ type: z.literal('trace'), id: z.number().int() }),
  ...peerOrders,
]);
export type ToEngine = z.infer<typeof toEngine>;

export const engineStats = z.object({
  type: z.literal('stats'),
  width: z.number(),
  height: z.number(),
  /** 1 = full size. */
  scale: z.number(),
  decoded: z.number(),
  encoded: z.number(),
  skipped: z.number(),
  undecodable: z.number(),
  provider: z.string(),
  faces: z.array(faceInfo),
  castings: z.array(castingState).default([]),
  /** p50 over the report's second. */
  stageMs: z.record(z.string(), z.number()),
  rssMb: z.number(),
  overloaded: z.boolean(),
  /** Which picture is being worked on, counted from the engine's start; null between pictures. The same one again and again: it hangs. */
  working: z.number().nullable(),
});
export type EngineStats = z.infer<typeof engineStats>;

/** Engine → front. */
export const fromEngine = z.discriminatedUnion('type', [
  /** First message after connecting: the key that the front gave it proves that it is ours. */
  z.object({ type: z.literal('hello'), key: z.string(), pid: z.number() }),
  /** A spare's sign of life, about twice a second. */
  z.object({ type: z.literal('idle'), rssMb: z.number() }),
  z.object({ type: z.literal('prepared'), rssMb: z.number() }),
  /** A look is about to be loaded, which keeps the engine from answering; `loaded` ends it. */
  z.object({ type: z.literal('loading') }),
  z.object({ type: z.literal('loaded') }),
  /** Models are loaded; frames may come. */
  z.object({ type: z.literal('ready'), provider: z.string() }),
  /** A key frame (base64) for a rendition to show when this engine is lost; sent when the rendition opens and when its size changes. */
  z.object({
    type: z.literal('slate'),
    rendition: renditionKey,
    width: z.number(),
    height: z.number(),
    bytes: z.string(),
  }),
  /** The decoder needs a key frame from the camera. */
  z.object({ type: z.literal('needKey') }),
  engineStats,
  /** A performer's face at rest, captured; the front keeps it and tells it every engine after this one. */
  z.object({ type: z.literal('neutral'), casting: castingId, neutral: neutralFace }),
  /** The faces of the newest picture, about ten times a second while they are followed. */
  z.object({ type: z.literal('faces'), faces: z.array(faceInfo) }),
  /** Something the operator should know; the engine goes on. */
  z.object({ type: z.literal('trouble'), sentence: z.string() }),
  /** No network can be run in this engine any more: it ends, and nobody need wait until its process has. */
  z.object({ type: z.literal('broken'), sentence: z.string(), why: z.enum(['hung', 'gpu_gone', 'other']) }),
  /** What a traced frame went through, and what became of it; microseconds of the monotonic clock. */
  z.object({
    type: z.literal('traced'),
    id: z.number().int(),
    outcome: z.enum(['sent', 'skipped', 'undecodable', 'unwatched', 'failed']),
    stages: z.array(z.object({ stage: z.string(), beginUs: z.number().int(), endUs: z.number().int() })).max(32),
  }),
  ...peerReports,
]);
export type FromEngine = z.infer<typeof fromEngine>;
