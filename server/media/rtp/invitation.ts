import { randomBytes } from 'node:crypto';
import { PLAYOUT_DELAY_URI } from './extensions.ts';

/**
 * What stands for a viewer's offer where the server makes the offer itself (WHEP's counter-offer): everything that a viewer of
 * any rendition could ask for. Its credentials are random and told to nobody, so that no client's own offer is taken for it.
 */
export const INVITATION = [
  'v=0',
  'o=- 1 1 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'a=group:BUNDLE 0 1',
  `a=ice-ufrag:${randomBytes(6).toString('hex')}`,
  `a=ice-pwd:${randomBytes(16).toString('hex')}`,
  'a=fingerprint:sha-256 00',
  'm=video 9 UDP/TLS/RTP/SAVPF 96 97',
  'a=mid:0',
  'a=recvonly',
  'a=rtcp-mux',
  `a=extmap:5 ${PLAYOUT_DELAY_URI}`,
  'a=rtpmap:96 H264/90000',
  'a=fmtp:96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f',
  'a=rtpmap:97 VP8/90000',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111',
  'a=mid:1',
  'a=recvonly',
  'a=rtcp-mux',
  'a=rtpmap:111 opus/48000/2',
  'a=fmtp:111 minptime=10;useinbandfec=1',
  '',
].join('\r\n');
