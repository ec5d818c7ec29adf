import { z } from 'zod';
import { ageYears } from './age.ts';
import { casting, castingId, castingInfo } from './casting.ts';
import { frameRate, timecode } from './timecode.ts';

/**
 * What pages and server say to each other over the control socket (/api/control), and the feed list of /api/feeds.
 * One JSON message a WebSocket message. Sizes in pixels, times in the unit of the name.
 */

/** A feed's name: it stands in addresses, so small letters, digits and dashes, at most 32. */
export const feedName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'a feed is named in small letters, digits and dashes, at most 32');

/** program: the processed picture. plate: the camera's untouched one. low: the program at half size and few bits, for weak links. */
export const renditionName = z.enum(['program', 'plate', 'low']);
export type RenditionName = z.infer<typeof renditionName>;

export const videoCodec = z.enum(['h264', 'vp8']);

/** A rendition: a picture in a codec, made by one encoder of the engine (or by the camera itself: its own plate). */
export const renditionKey = z.object({ name: renditionName, codec: videoCodec });
export type RenditionKey = z.infer<typeof renditionKey>;
export type RenditionId = `${RenditionName}/${RenditionKey['codec']}`;

export const renditionId = ({ name, codec }: RenditionKey): RenditionId => `${name}/${codec}`;

/** Every rendition there can be. */
export const RENDITIONS: readonly RenditionKey[] = renditionName.options.flatMap((name) =>
  videoCodec.options.map((codec) => ({ name, codec })),
);

/** What happens to faces that no casting claims. */
export const uncastPolicy = z.enum(['look', 'blur', 'pass']);
export type UncastPolicy = z.infer<typeof uncastPolicy>;

const share = z.number().min(0).max(1);

export const faceInfo = z.object({
  track: z.number().int(),
  /** What the program shows of this face in the last frame. changed: the performer's own face, younger or older. */
  shown: z.enum(['replaced', 'changed', 'covered', 'plate']),
  /** Why, when covered: a few plain words. */
  why: z.string().nullable(),
  /** Whose face it is taken for; null: nobody's that is cast. */
  casting: castingId.nullable(),
  /** Where it is: the upper left corner and the size as shares of the picture. */
  box: z.object({ x: share, y: share, w: share, h: share }),
  /** How far its skin lies from its neck's, CIEDE2000: in the program and, for comparison, in the plate. null: not replaced, or no bare neck is seen. */
  neck: z.object({ program: z.number(), plate: z.number() }).nullable(),
});
export type FaceInfo = z.infer<typeof faceInfo>;

export const feedInfo = z.object({
  name: z.string(),
  /** idle: no camera. connecting: camera's peer connects. warming: models load. live. slate: engine lost, coming back. stalled: the camera is connected but sends nothing. */
  state: z.enum(['idle', 'connecting', 'warming', 'live', 'slate', 'stalled']),
  /** One plain sentence when something is wrong and what to do about it; null when all is well. */
  message: z.string().nullable(),
  camera: z
    .object({
      codec: videoCodec,
      width: z.number().int(),
      height: z.number().int(),
      fps: z.number(),
      bitrate: z.number(),
      lostPct: z.number(),
    })
    .nullable(),
  program: z.object({
    width: z.number().int(),
    height: z.number().int(),
    fps: z.number(),
    /** 1 = full size; 0.75, 0.5 … when overload has lowered the resolution. */
    scale: z.number(),
    /** Decoded pictures skipped in the last second because newer ones were waiting. */
    skipped: z.number().int(),
  }),
  look: z.string().nullable(),
  uncast: uncastPolicy,
  /** What the age dial stands at; null where the look has none. */
  age: ageYears.nullable(),
  /** Where the models run: cpu, cuda, tensorrt … */
  provider: z.string(),
  faces: z.array(faceInfo),
  /** Who is cast, those who were cast first first. */
  castings: z.array(castingInfo),
  viewers: z.object({ program: z.number().int(), plate: z.number().int(), low: z.number().int() }),
  /** Per-stage milliseconds, p50 over the last second: decode, perceive, replace, composite, encode, total. */
  stageMs: z.record(z.string(), z.number()),
  /** The feed's sound: the camera's own, or the mixer's while one is connected; null while there is none. */
  sound: z
    .object({
      source: z.enum(['camera', 'mixer']),
      bitrate: z.number(),
      lostPct: z.number(),
      /** Nothing has come for two seconds. */
      silent: z.boolean(),
    })
    .nullable(),
  /**
   * The timecode heard at the camera (LTC), counted on to this moment; null where none was heard. `stale`: none has been heard for a
   * second, and what stands here is only counted on.
   */
  timecode: z
    .object({
      code: timecode,
      rate: frameRate,
      /** The eight binary groups as hexadecimal digits, first to last. */
      userBits: z.string(),
      /** The moment it stands for, on the server's clock. */
      captureUs: z.number(),
      stale: z.boolean(),
    })
    .nullable(),
  /** How long a program picture takes from capture to leaving the server, ms: what sound that goes another way has to be delayed by. Null before the first. */
  pictureDelayMs: z.number().nullable(),
  /** An RTP timestamp and the server's monotonic clock at its capture: pages map a shown frame's rtpTimestamp to its age with it. */
  anchor: z.object({ rtpTs: z.number(), captureUs: z.number() }).nullable(),
});
export type FeedInfo = z.infer<typeof feedInfo>;

export const serverMessage = z.discriminatedUnion('type', [
  /** Sent at once after connecting, on every change, and twice a second while anything is live. dials: the looks with an age dial. */
  z.object({
    type: z.literal('feeds'),
    feeds: z.array(feedInfo),
    looks: z.array(z.string()),
    dials: z.array(z.string()),
  }),
  /** The faces of the newest picture of a feed that this page follows, about ten times a second. */
  z.object({ type: z.literal('faces'), feed: feedName, faces: z.array(faceInfo) }),
  /** The answer to `clock`: t0Ms as sent, serverUs the server's monotonic clock. */
  z.object({ type: z.literal('clock'), t0Ms: z.number(), serverUs: z.number() }),
  z.object({ type: z.literal('refused'), code: z.string(), sentence: z.string() }),
]);
export type ServerMessage = z.infer<typeof serverMessage>;

const { performer, look } = casting.shape;
const track = z.number().int().min(0);

/** What an operator says about who is cast. */
const castingOrders = [
  /** Casts a performer: the one whose face has this track, or with null one whose face is shown later. The server makes the id. */
  z.object({
    type: z.literal('cast'),
    feed: feedName,
    track: track.nullable().default(null),
    performer,
    look,
    age: ageYears.default(0),
  }),
  /** Changes a casting; fields left out stay. */
  z.object({
    type: z.literal('recast'),
    feed: feedName,
    casting: castingId,
    performer: performer.optional(),
    look: look.optional(),
    age: ageYears.optional(),
  }),
  /** Ends a casting; the performer's neutral face is deleted. */
  z.object({ type: z.literal('uncast'), feed: feedName, casting: castingId }),
  /** This face is that performer's; null: nobody's that is cast. */
  z.object({ type: z.literal('bind'), feed: feedName, casting: castingId.nullable(), track }),
  /** The performer holds still from now on: their neutral face is captured. */
  z.object({ type: z.literal('neutral'), feed: feedName, casting: castingId }),
] as const;
export type CastingOrder = z.infer<(typeof castingOrders)[number]>;

export const clientMessage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('clock'), t0Ms: z.number() }),
  /** A timecode heard at a feed's camera, before any processing: its first bit was captured at `captureUs`, on the server's clock. */
  z.object({
    type: z.literal('timecode'),
    feed: feedName,
    code: timecode,
    rate: frameRate,
    userBits: z.string().regex(/^[0-9a-f]{8}$/, 'eight hexadecimal digits'),
    captureUs: z.number().int(),
  }),
  /** Tells where this feed's faces are with `faces`, until another is followed; null: none. */
  z.object({ type: z.literal('follow'), feed: feedName.nullable() }),
  /** Changes a feed's settings; fields left out stay. */
  z.object({
    type: z.literal('feed'),
    feed: feedName,
    uncast: uncastPolicy.optional(),
    age: ageYears.optional(),
    look: z.string().min(1).max(64).optional(),
  }),
  ...castingOrders,
]);
export type ClientMessage = z.infer<typeof clientMessage>;
