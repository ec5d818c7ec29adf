import { extensionId, STREAM_ID_URI } from './extensions.ts';

/** How an offer tells the layers of its simulcast: by the stream id that packets carry (RFC 8852), or by their SSRCs. */
export type SimulcastOffer = { ids: string[]; streamIdId: number } | { ssrcs: number[] };

const MAX_LAYERS = 6;
/** The simulcast of a video section's lines; null where there is none that we can tell apart. */
export function simulcastOf(lines: readonly string[]): SimulcastOffer | null {
  const streamIdId = extensionId(lines, STREAM_ID_URI);
  const sent = lines.find((line) => /^a=simulcast:.*\bsend /.test(line));
  // `send h;m;~l recv x`: streams between semicolons, alternatives between commas, ~ for one that begins paused.
  const listed = /\bsend (\S+)/.exec(sent ?? '')?.[1]?.split(';') ?? [];
  const ids = listed
    .map((stream) => (stream.split(',')[0] ?? '').replace(/^~/, ''))
    .filter((id) => /^\w{1,32}$/.test(id));
  if (streamIdId > 0 && ids.length > 1 && ids.length <= MAX_LAYERS) return { ids, streamIdId };
  const group = lines.find((line) => line.startsWith('a=ssrc-group:SIM '));
  const ssrcs = (group?.split(' ').slice(1) ?? []).map(Number).filter((ssrc) => Number.isInteger(ssrc) && ssrc > 0);
  return ssrcs.length > 1 && ssrcs.length <= MAX_LAYERS ? { ssrcs } : null;
}

/** Accepts the layers in the answer's section `mid` (RFC 8853); layers told by their SSRCs need no word. */
export function withSimulcast(answer: string, mid: string, offer: SimulcastOffer | null): string {
  if (!offer || !('ids' in offer)) return answer;
  const lines = [
    `a=extmap:${offer.streamIdId} ${STREAM_ID_URI}`,
    ...offer.ids.map((id) => `a=rid:${id} recv`),
    `a=simulcast:recv ${offer.ids.join(';')}`,
  ];
  // A function: a section's name may hold what `replace` would take for a pattern.
  return answer.replace(`a=mid:${mid}\r\n`, () => `a=mid:${mid}\r\n${lines.join('\r\n')}\r\n`);
}
