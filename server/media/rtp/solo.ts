/**
 * libdatachannel hands packets of a bundle to their section by the SSRCs that the offer names. An offer that names none
 * for its video (simulcast, some cameras) would connect and stay black beside another section. Such an offer is reduced to
 * its video section: libdatachannel then hands over every packet of the connection, and the sound's are told by their payload type.
 * The answer leaves other sections idle (refusing them breaks browsers that bundle everything).
 */

interface Split {
  session: string[];
  media: string[][];
}

function split(sdp: string): Split {
  const session: string[] = [];
  const media: string[][] = [];
  for (const line of sdp.split(/\r\n|\n/).filter((text) => text.length > 0)) {
    if (line.startsWith('m=')) media.push([line]);
    else (media.at(-1) ?? session).push(line);
  }
  return { session, media };
}

const join = ({ session, media }: Split): string => `${[...session, ...media.flat()].join('\r\n')}\r\n`;
const midOf = (lines: readonly string[]): string | undefined =>
  lines.find((line) => line.startsWith('a=mid:'))?.slice(6);
const TRANSPORT = ['a=ice-ufrag:', 'a=ice-pwd:', 'a=fingerprint:', 'a=setup:', 'a=candidate:'];

/** True where packets of section `mid` could not be told from those of another section. */
export function needsSolo(sdp: string, mid: string): boolean {
  const { media } = split(sdp);
  const video = media.find((lines) => midOf(lines) === mid) ?? [];
  return media.length > 1 && !video.some((line) => line.startsWith('a=ssrc:'));
}

/** The offer with section `mid` alone. In a bundle the transport may stand in another section: it is taken from there. */
export function soloOffer(sdp: string, mid: string): string {
  const { session, media } = split(sdp);
  const video = media.find((lines) => midOf(lines) === mid) ?? [];
  const lines = video
    .filter((line) => line !== 'a=bundle-only')
    .map((line) => line.replace(/^m=video 0 /, 'm=video 9 '));
  for (const name of TRANSPORT) {
    if ([...session, ...lines].some((line) => line.startsWith(name))) continue;
    lines.push(
      ...(media.find((other) => other.some((line) => line.startsWith(name))) ?? []).filter((line) =>
        line.startsWith(name),
      ),
    );
  }
  const group = (line: string): string => (line.startsWith('a=group:BUNDLE') ? `a=group:BUNDLE ${mid}` : line);
  return join({ session: session.map(group), media: [lines] });
}

/** A section whose packets are told from the video's by their payload type. */
export interface SoloSound {
  mid: string;
  payloadType: number;
}

/** A section that shares the video's transport: idle, or taken where it is the sound; what is neither audio nor video is refused. */
function otherSection(offered: readonly string[], video: readonly string[], sound: SoloSound | null): string[] {
  const [kind = '', , protocol = '', first = ''] = (offered[0] as string).split(' ');
  const taken = sound !== null && midOf(offered) === sound.mid;
  const format = taken ? String(sound.payloadType) : first;
  const mid = `a=mid:${midOf(offered) ?? ''}`;
  if (kind !== 'm=audio' && kind !== 'm=video') {
    return [`${kind} 0 ${protocol} ${format}`, 'c=IN IP4 0.0.0.0', mid];
  }
  const port = (video[0] as string).split(' ')[1] ?? '9';
  const described = offered.filter(
    (line) => line.startsWith(`a=rtpmap:${format} `) || line.startsWith(`a=fmtp:${format} `),
  );
  const transport = video.filter((line) => TRANSPORT.some((name) => line.startsWith(name)));
  const address = video.filter((line) => line.startsWith('c='));
  return [
    `${kind} ${port} ${protocol} ${format}`,
    ...address,
    mid,
    taken ? 'a=recvonly' : 'a=inactive',
    'a=rtcp-mux',
    ...described,
    ...transport,
  ];
}

/** The answer to a solo offer, with the original's other sections in their places: idle, but for the sound. */
export function withIdle(answer: string, sdp: string, mid: string, sound: SoloSound | null = null): string {
  const { session, media } = split(answer);
  const [video = []] = media;
  const all = split(sdp).media.map((lines) => (midOf(lines) === mid ? video : otherSection(lines, video, sound)));
  const bundled = all.filter((lines) => !/^m=\S+ 0 /.test(lines[0] as string)).map(midOf);
  const group = (line: string): string =>
    line.startsWith('a=group:BUNDLE') ? `a=group:BUNDLE ${bundled.join(' ')}` : line;
  return join({ session: session.map(group), media: all });
}
