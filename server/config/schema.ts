import { isIP } from 'node:net';
import { z } from 'zod';
import { gpuChoice } from '../inference/placement.ts';
import { DEFAULT_CHAIN, providerChain } from '../inference/providers.ts';
import { feedName, uncastPolicy } from '../wire/messages.ts';
import { turnServer } from './turn.ts';

/** Bits per second; written as a number or with k or M: 800k, 8M, 2.5M. */
const bitrate = (from: number, to: number) =>
  z.preprocess(readBitrate, z.number('write bits per second, such as 8M or 800k').int().min(from).max(to));

function readBitrate(value: unknown): unknown {
  const found = typeof value === 'string' ? /^(\d+(?:\.\d+)?)\s*([kM])$/.exec(value.trim()) : null;
  return found ? Math.round(Number(found[1]) * (found[2] === 'M' ? 1e6 : 1e3)) : value;
}

const port = z.number().int().min(1).max(65535);
const lookName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'a look is named in small letters, digits and dashes');

const serverKeys = z.strictObject({
  host: z.string().min(1).max(255).default('127.0.0.1'),
  /** 0 lets the system choose: tests use it. */
  port: z.number().int().min(0).max(65535).default(8880),
  tls: z
    .strictObject({ cert: z.string().min(1), key: z.string().min(1) })
    .nullable()
    .default(null),
  drainSeconds: z.number().min(0).max(600).default(10),
  requestsPerMinute: z.number().int().min(10).max(1_000_000).default(1200),
});

const authKeys = z.strictObject({
  token: z
    .string()
    .regex(/^[\x21-\x7e]{16,256}$/, 'a token has 16 to 256 visible characters without spaces')
    .nullable()
    .default(null),
  sessionHours: z.number().min(0.1).max(168).default(12),
});

const announcedName = z
  .string()
  .max(255)
  .refine(
    (text) => isIP(text) !== 0 || /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(text),
    'write an address or a host name, without a port',
  );

const mediaKeys = z.strictObject({
  engine: z.enum(['rtp', 'wrtc']).default('rtp'),
  bindAddress: z.string().min(1).max(64).nullable().default(null),
  portRange: z
    .tuple([port, port])
    .refine(([first, last]) => first <= last, 'the first port comes before the last: [50000, 50100]')
    .nullable()
    .default(null),
  signalling: z.enum(['strict', 'compatible']).default('strict'),
  /** 0 lets the server choose: tests use it. */
  port: z.number().int().min(0).max(65535).nullable().default(null),
  announce: z.array(announcedName).max(8).default([]),
  announceOnly: z.boolean().default(false),
  turn: z.array(turnServer).max(8).default([]),
  maxIngestBitrate: bitrate(100e3, 100e6).default(8e6),
  programBitrate: bitrate(100e3, 100e6).default(4e6),
  lowBitrate: bitrate(50e3, 100e6).default(500e3),
});

const feedKeys = z.strictObject({
  name: feedName,
  look: lookName.nullable().default(null),
  uncast: uncastPolicy.nullable().default(null),
});

const stageKeys = z.strictObject({
  maxFeeds: z.number().int().min(1).max(16).default(4),
  demo: z.boolean().default(true),
  feeds: z.array(feedKeys).max(16).default([]),
  look: lookName.default('mara'),
  uncast: uncastPolicy.default('look'),
  unknownColour: z.enum(['bt709', 'bt601', 'bt2020']).default('bt709'),
});

const engineKeys = z.strictObject({
  spare: z.boolean().default(true),
  memoryMB: z.number().int().min(128).max(4000).default(512),
  maxEncoders: z.number().int().min(1).max(6).default(4),
  occlusion: z.boolean().default(true),
  closeUps: z.union([z.literal('auto'), z.boolean()]).default('auto'),
  encoderThreads: z.union([z.literal('auto'), z.number().int().min(1).max(16)]).default('auto'),
  videoEncoder: z.enum(['cpu', 'nvenc']).default('cpu'),
});

const inferenceKeys = z.strictObject({
  providers: providerChain.default([...DEFAULT_CHAIN]),
  device: gpuChoice.default('auto'),
  precision: z.enum(['auto', 'full']).default('auto'),
  cacheDir: z.string().min(1).max(1024).nullable().default(null),
  workspaceMB: z.number().int().min(64).max(65536).default(2048),
  runLimitMs: z.number().int().min(20).max(60_000).default(250),
  library: z.string().min(1).max(1024).nullable().default(null),
});

const storeKeys = z.strictObject({
  keep: z.boolean().default(true),
  dir: z.string().min(1).max(1024).nullable().default(null),
  sessionDays: z.number().int().min(1).max(3650).default(90),
});

const logKeys = z.strictObject({
  level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  pretty: z.union([z.literal('auto'), z.boolean()]).default('auto'),
});

/** The whole configuration. default.yaml explains every key; a test keeps its values and these defaults equal. */
export const configSchema = z
  .strictObject({
    server: serverKeys.prefault({}),
    auth: authKeys.prefault({}),
    media: mediaKeys.prefault({}),
    stage: stageKeys.prefault({}),
    engine: engineKeys.prefault({}),
    inference: inferenceKeys.prefault({}),
    store: storeKeys.prefault({}),
    log: logKeys.prefault({}),
  })
  .superRefine(({ media }, context) => {
    const refuse = (key: string, message: string): void =>
      context.addIssue({ code: 'custom', path: ['media', key], message });
    if (media.port !== null && media.portRange !== null)
      refuse('port', 'it stands in place of media.portRange: leave one of them out');
    if (media.engine === 'wrtc' && media.port !== null)
      refuse('port', 'libwebrtc takes a port for each peer: set media.portRange instead, or media.engine to rtp');
    if (media.announceOnly && media.announce.length === 0)
      refuse('announceOnly', 'without media.announce no address at all would be told');
  })
  .superRefine(({ stage }, context) => {
    const refuse = (message: string): void => context.addIssue({ code: 'custom', path: ['stage', 'feeds'], message });
    const names = stage.feeds.map((feed) => feed.name);
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice) refuse(`the feed "${twice}" is listed twice`);
    if (stage.demo && names.includes('demo'))
      refuse('"demo" is the demo feed: rename yours, or set stage.demo to false');
    const count = names.length + (stage.demo ? 1 : 0);
    if (count > stage.maxFeeds)
      refuse(`${count} feeds (the demo counts) are more than stage.maxFeeds, ${stage.maxFeeds}`);
  });

export type Config = z.infer<typeof configSchema>;
/** What a caller may lay over the file: any part of it, as it would stand in the file. */
export type ConfigInput = z.input<typeof configSchema>;
