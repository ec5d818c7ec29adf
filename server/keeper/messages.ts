/** What front and keeper say to each other, checked on both sides. The front listens; the keeper connects, and comes back when either was restarted. */
import { z } from 'zod';
import { casting, castingId, neutralFace } from '../wire/casting.ts';
import { feedName } from '../wire/messages.ts';
import { sessionCounters, sessionKind, sessionRecord } from '../wire/sessions.ts';

/** A setting of a feed that an operator may change while it runs. */
export const settingKey = z.enum(['look', 'uncast', 'age']);
export type SettingKey = z.infer<typeof settingKey>;

/** What an operator set, and what the configuration said at that moment: it holds until the configuration says something else. */
export const storedSetting = z.object({
  feed: feedName,
  key: settingKey,
  value: z.string().max(64),
  over: z.string().max(64),
  atMs: z.number(),
});
export type StoredSetting = z.infer<typeof storedSetting>;

/** Who is cast, and the face by which they are known again: null until it has been captured. */
export const storedCasting = z.object({ feed: feedName, casting, neutral: neutralFace.nullable() });
export type StoredCasting = z.infer<typeof storedCasting>;

const castingRecords = [
  /** Somebody was cast, or cast otherwise. */
  z.object({ type: z.literal('casting'), feed: feedName, casting, atMs: z.number() }),
  /** The casting is no more, and its neutral face with it. */
  z.object({ type: z.literal('castingDropped'), feed: feedName, casting: castingId, atMs: z.number() }),
  z.object({
    type: z.literal('neutralFace'),
    feed: feedName,
    casting: castingId,
    face: neutralFace,
    atMs: z.number(),
  }),
] as const;
export type CastingRecord = z.infer<(typeof castingRecords)[number]>;

/** One thing to keep. Keeping it twice is the same as once: after a restart it may come again. */
export const keptRecord = z.discriminatedUnion('type', [
  /** A feed was opened. */
  z.object({ type: z.literal('feed'), feed: feedName, atMs: z.number() }),
  storedSetting.extend({ type: z.literal('setting') }),
  /** The configuration holds again for this key. */
  z.object({ type: z.literal('settingDropped'), feed: feedName, key: settingKey, atMs: z.number() }),
  z.object({
    type: z.literal('began'),
    /** Made for the store: not the session's id in an address, which would end it. */
    id: z.string().max(64),
    feed: feedName,
    kind: sessionKind,
    rendition: z.string().max(32).nullable(),
    atMs: z.number(),
  }),
  z.object({
    type: z.literal('ended'),
    id: z.string().max(64),
    why: z.string().max(200),
    counters: sessionCounters,
    atMs: z.number(),
  }),
  ...castingRecords,
]);
export type KeptRecord = z.infer<typeof keptRecord>;

/** Front → keeper. */
export const toKeeper = z.discriminatedUnion('type', [
  /** First: which run of the front this is. Sessions of other runs that have no end were lost with theirs. */
  z.object({ type: z.literal('run'), run: z.string().max(64) }),
  /** Numbered upwards within a run; answered with `stored`. */
  z.object({ type: z.literal('records'), records: z.array(z.object({ n: z.number().int(), record: keptRecord })) }),
  z.object({
    type: z.literal('sessions'),
    ask: z.number().int(),
    feed: feedName.nullable(),
    limit: z.number().int().min(1).max(1000),
  }),
]);
export type ToKeeper = z.infer<typeof toKeeper>;

/** Keeper → front. */
export const fromKeeper = z.discriminatedUnion('type', [
  z.object({ type: z.literal('hello'), key: z.string().max(64) }),
  /** The store is open; this is what operators have set. Records may come. */
  z.object({ type: z.literal('ready'), settings: z.array(storedSetting), castings: z.array(storedCasting) }),
  /** Every record up to this number is on the disk; `skipped` of them could not be kept whatever is tried. */
  z.object({ type: z.literal('stored'), upTo: z.number().int(), skipped: z.number().int() }),
  /** The store cannot be opened or written; the keeper tries again by itself. */
  z.object({ type: z.literal('trouble'), sentence: z.string() }),
  z.object({ type: z.literal('sessions'), ask: z.number().int(), sessions: z.array(sessionRecord).nullable() }),
]);
export type FromKeeper = z.infer<typeof fromKeeper>;
