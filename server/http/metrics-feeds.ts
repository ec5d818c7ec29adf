import { PROVIDERS } from '../inference/providers.ts';
import { faceInfo, feedInfo } from '../wire/messages.ts';
import type { FeedMeasures, RenditionMeasures, ViewerMeasures } from './stage-api.ts';

type Sample = [labels: Record<string, string>, value: number];

interface Family {
  name: string;
  help: string;
  type: 'gauge' | 'counter';
  labelNames: string[];
  samples(feed: FeedMeasures): Sample[];
}

/** One number a feed. */
const each = (
  type: Family['type'],
  name: string,
  help: string,
  value: (feed: FeedMeasures) => number | null,
): Family => ({
  name: `understudy_feed_${name}`,
  help,
  type,
  labelNames: ['feed'],
  samples: (feed) => {
    const found = value(feed);
    return found === null ? [] : [[{ feed: feed.info.name }, found]];
  },
});

/** One number for each value of a second label; its values come from a fixed, small set. */
const by = (
  type: Family['type'],
  name: string,
  label: string,
  help: string,
  values: (feed: FeedMeasures) => [value: string, number][],
): Family => ({
  name: `understudy_${name}`,
  help,
  type,
  labelNames: ['feed', label],
  samples: (feed) => values(feed).map(([value, number]) => [{ feed: feed.info.name, [label]: value }, number]),
});

/** The largest that is known. */
function worst(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.max(...known);
}

/** One number for each rendition there can be. */
const perRendition = (
  type: Family['type'],
  name: string,
  help: string,
  value: (rendition: RenditionMeasures) => number,
): Family => ({
  name: `understudy_rendition_${name}`,
  help,
  type,
  labelNames: ['feed', 'rendition', 'codec'],
  samples: ({ info, renditions }) =>
    renditions.map((one) => [{ feed: info.name, rendition: one.name, codec: one.codec }, value(one)]),
});

/** One number for each viewer that is there; where nothing is known of it yet, it is left out. */
const perViewer = (
  type: Family['type'],
  name: string,
  help: string,
  value: (one: ViewerMeasures) => number | null,
): Family => ({
  name: `understudy_viewer_${name}`,
  help,
  type,
  labelNames: ['feed', 'rendition', 'codec', 'viewer'],
  samples: ({ info, renditions }) =>
    renditions.flatMap(({ name: rendition, codec, sessions }) =>
      sessions.flatMap((one): Sample[] => {
        const found = value(one);
        return found === null ? [] : [[{ feed: info.name, rendition, codec, viewer: String(one.number) }, found]];
      }),
    ),
});

/** Every family that has one sample or more a feed. */
export const FEED_FAMILIES: readonly Family[] = [
  by('gauge', 'feed_state', 'state', 'The state of the feed: 1 for the one it is in, 0 for the others.', ({ info }) =>
    feedInfo.shape.state.options.map((state) => [state, Number(info.state === state)]),
  ),
  by(
    'gauge',
    'feed_provider',
    'provider',
    'What the networks of the feed run on: 1 for each provider in use, 0 for the others.',
    ({ info }) => PROVIDERS.map((name) => [name, Number(info.provider.split(' + ').includes(name))]),
  ),
  each(
    'gauge',
    'camera_frames_per_second',
    'Coded frames from the camera over the last second.',
    ({ info }) => info.camera?.fps ?? 0,
  ),
  each(
    'gauge',
    'camera_bits_per_second',
    'Bits from the camera over the last second.',
    ({ info }) => info.camera?.bitrate ?? 0,
  ),
  each('counter', 'camera_packets_total', 'RTP packets received from cameras.', ({ camera }) => camera.packets),
  each('counter', 'camera_lost_packets_total', 'RTP packets of cameras that never came.', ({ camera }) => camera.lost),
  each('counter', 'camera_nacks_total', 'Packets asked of cameras again.', ({ camera }) => camera.nacks),
  each('counter', 'camera_key_requests_total', 'Key frames asked of cameras.', ({ camera }) => camera.keyRequests),
  each(
    'counter',
    'sound_packets_total',
    'Packets of sound received from cameras and mixers.',
    ({ sound }) => sound.packets,
  ),
  each('counter', 'sound_lost_packets_total', 'Packets of sound that never came.', ({ sound }) => sound.lost),
  each(
    'gauge',
    'picture_delay_seconds',
    'From the capture of a program picture to its leaving the server.',
    ({ info }) => (info.pictureDelayMs === null ? null : info.pictureDelayMs / 1000),
  ),
  each('gauge', 'program_frames_per_second', 'Program pictures over the last second.', ({ info }) => info.program.fps),
  each('counter', 'decoded_pictures_total', 'Pictures decoded.', ({ pictures }) => pictures.decoded),
  each('counter', 'encoded_pictures_total', 'Program pictures encoded.', ({ pictures }) => pictures.encoded),
  each(
    'counter',
    'skipped_pictures_total',
    'Decoded pictures skipped because a newer one waited.',
    ({ pictures }) => pictures.skipped,
  ),
  each(
    'counter',
    'undecodable_frames_total',
    'Coded frames that the decoder could not use.',
    ({ pictures }) => pictures.undecodable,
  ),
  each(
    'gauge',
    'scale_ratio',
    'Size of the program against the camera: below 1 while overload lowers it.',
    ({ info }) => info.program.scale,
  ),
  by('gauge', 'feed_faces', 'shown', 'Faces in the last picture, by what the program shows of them.', ({ info }) =>
    faceInfo.shape.shown.options.map((shown) => [shown, info.faces.filter((face) => face.shown === shown).length]),
  ),
  each(
    'gauge',
    'neck_delta_e',
    'CIEDE2000 between a replaced face and the neck below it, of the worst face in the last picture.',
    ({ info }) => worst(info.faces.map(({ neck }) => neck?.program ?? null)),
  ),
  each(
    'gauge',
    'plate_neck_delta_e',
    'CIEDE2000 between the own face and the neck of the worst face in the last picture.',
    ({ info }) => worst(info.faces.map(({ neck }) => neck?.plate ?? null)),
  ),
  by('gauge', 'feed_stage_seconds', 'stage', 'Median time of a frame in each stage over the last second.', ({ info }) =>
    Object.entries(info.stageMs).map(([stage, ms]) => [stage, ms / 1000]),
  ),
  each('gauge', 'engine_ready', 'Whether the engine of the feed has loaded its models.', ({ engine }) =>
    Number(engine === 'ready'),
  ),
  each(
    'gauge',
    'engine_resident_memory_bytes',
    'Resident memory of the engine process.',
    ({ engineRssBytes }) => engineRssBytes,
  ),
  each(
    'gauge',
    'engine_gpu',
    'The GPU that the engine was placed on, as nvidia-smi counts them.',
    ({ engineGpu }) => engineGpu,
  ),
  each('counter', 'engine_restarts_total', 'Engines lost and started again.', ({ engineLosses }) => engineLosses),
  each(
    'counter',
    'engine_hangs_total',
    'Engines that hung, were ended and replaced; counted among the restarts too.',
    ({ engineHangs }) => engineHangs,
  ),
  perRendition('gauge', 'viewers', 'Viewers connected now.', ({ viewers }) => viewers),
  perRendition('gauge', 'encoding', 'Whether the engine has an encoder open for it.', ({ encoding }) =>
    Number(encoding),
  ),
  perRendition('gauge', 'frames_per_second', 'Frames over the last second.', ({ fps }) => fps),
  perRendition('counter', 'sent_packets_total', 'RTP packets sent to all viewers.', ({ packets }) => packets),
  perRendition('counter', 'nacks_total', 'Packets that viewers asked for again.', ({ nacks }) => nacks),
  perRendition('counter', 'key_requests_total', 'Key frames that viewers asked for.', ({ keyRequests }) => keyRequests),
  perRendition(
    'counter',
    'skipped_frames_total',
    'Frames not sent to viewers that waited for a key frame.',
    ({ skipped }) => skipped,
  ),
  perViewer('counter', 'sent_packets_total', 'RTP packets sent to this viewer.', ({ packets }) => packets),
  perViewer(
    'counter',
    'skipped_frames_total',
    'Frames not sent while it waited for a key frame.',
    ({ skipped }) => skipped,
  ),
  perViewer(
    'gauge',
    'lost_ratio',
    'Packets lost on the way, by its last receiver report.',
    ({ fractionLost }) => fractionLost,
  ),
  perViewer('gauge', 'round_trip_seconds', 'There and back, by its last receiver report.', ({ roundTripMs }) =>
    roundTripMs === null ? null : roundTripMs / 1000,
  ),
];
