import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../server/config/config.ts';
import { resolveAnnounced, withAnnounced } from '../../server/media/rtp/candidates.ts';

const ANSWER = [
  'v=0',
  'm=video 41000 UDP/TLS/RTP/SAVPF 96',
  'c=IN IP4 172.17.0.2',
  'a=mid:0',
  'a=candidate:2 1 UDP 2116026111 fd00::2 41000 typ host',
  'a=candidate:1 1 UDP 2114977791 172.17.0.2 41000 typ host',
  'a=end-of-candidates',
  'm=audio 41000 UDP/TLS/RTP/SAVPF 111',
  'c=IN IP4 172.17.0.2',
  'a=mid:1',
  '',
].join('\r\n');

const candidates = (sdp: string): string[][] =>
  sdp
    .split('\r\n')
    .filter((line) => line.startsWith('a=candidate:'))
    .map((line) => line.split(' '));
const addresses = (sdp: string): string[] => candidates(sdp).map((fields) => `${fields[4]} ${fields[5]}`);

describe('announced addresses', () => {
  test('nothing announced changes nothing', () => {
    expect(withAnnounced(ANSWER, undefined)).toBe(ANSWER);
    expect(withAnnounced(ANSWER, { addresses: [], only: true })).toBe(ANSWER);
  });

  test('stand after the own ones, on their port, each told once and preferred less', () => {
    const sdp = withAnnounced(ANSWER, { addresses: ['203.0.113.7', '2001:db8::7', '172.17.0.2'], only: false });
    expect(addresses(sdp)).toEqual(['fd00::2 41000', '172.17.0.2 41000', '203.0.113.7 41000', '2001:db8::7 41000']);
    const [, own, ...announced] = candidates(sdp).map((fields) => Number(fields[3]));
    for (const priority of announced) expect(priority).toBeLessThan(own as number);
    expect(new Set(candidates(sdp).map((fields) => fields[0])).size).toBe(4);
    expect(sdp.split('\r\n').filter((line) => !line.startsWith('a=candidate:'))).toEqual(
      ANSWER.split('\r\n').filter((line) => !line.startsWith('a=candidate:')),
    );
  });

  test('alone, they leave no trace of the own ones', () => {
    const sdp = withAnnounced(ANSWER, { addresses: ['2001:db8::7', '203.0.113.7'], only: true });
    expect(addresses(sdp)).toEqual(['2001:db8::7 41000', '203.0.113.7 41000']);
    expect(sdp).not.toContain('172.17.0.2');
    expect(sdp).not.toContain('fd00::2');
    expect(sdp.match(/^c=.*$/gm)).toEqual(['c=IN IP6 2001:db8::7', 'c=IN IP6 2001:db8::7']);
  });

  test('a fragment of an ICE restart is completed too', () => {
    const fragment = 'a=ice-ufrag:x\r\na=candidate:1 1 UDP 2114977791 10.0.0.9 5000 typ host\r\n';
    expect(addresses(withAnnounced(fragment, { addresses: ['203.0.113.7'], only: true }))).toEqual([
      '203.0.113.7 5000',
    ]);
  });
});

describe('what media.announce may hold', () => {
  test('addresses as they are, names by what they mean', async () => {
    expect(await resolveAnnounced(['203.0.113.7', '2001:db8::7', '203.0.113.7'])).toEqual([
      '203.0.113.7',
      '2001:db8::7',
    ]);
    const [first] = await resolveAnnounced(['localhost']);
    expect(['127.0.0.1', '::1']).toContain(first);
  });

  test('a name without an address is refused with a sentence', async () => {
    // RFC 6761: names under "invalid" never have one.
    await expect(resolveAnnounced(['203.0.113.7', 'set.invalid'])).rejects.toThrow(
      /^The name "set\.invalid" in media\.announce has no address \(\w+\): correct it/,
    );
  });

  test.each([['203.0.113.7:8000'], ['http://set'], ['-a'], ['a b']])('%s is refused', (name) => {
    expect(() => loadConfig(undefined, { media: { announce: [name] } })).toThrow(/write an address or a host name/);
  });

  test.each([[{ port: 5000, portRange: [5000, 5001] as [number, number] }], [{ announceOnly: true }]])(
    '%j contradicts itself',
    (media) => {
      expect(() => loadConfig(undefined, { media })).toThrow(/leave one of them out|no address at all/);
    },
  );
});
