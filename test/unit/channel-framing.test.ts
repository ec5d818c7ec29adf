import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Deframer, type FrameRole, frameHeader, messageBytes } from '../../server/channel/framing.ts';
import type { CodedFrame } from '../../server/frame/coded.ts';

const frames = fc.record<CodedFrame>({
  codec: fc.constantFrom('h264', 'vp8'),
  key: fc.boolean(),
  rtpTs: fc.nat(0xffffffff),
  captureUs: fc.double({ noNaN: true, noDefaultInfinity: true }),
  width: fc.nat(4096),
  height: fc.nat(4096),
  colour: fc.record({
    matrix: fc.constantFrom('bt709', 'bt601', 'bt2020', 'unknown'),
    primaries: fc.constantFrom('bt709', 'bt601', 'bt2020', 'unknown'),
    transfer: fc.constantFrom('bt709', 'bt601', 'srgb', 'pq', 'hlg', 'unknown'),
    range: fc.constantFrom('limited', 'full', 'unknown'),
  }),
  bytes: fc.uint8Array({ maxLength: 300 }),
});
const items = fc.oneof(
  fc.record({ role: fc.constantFrom<FrameRole>('ingest', 'program', 'plate'), frame: frames }),
  fc.record({ message: fc.jsonValue() }),
);

const silent = { frame: () => undefined, message: () => undefined };

describe('the channel', () => {
  it('delivers frames and messages whole and in order, however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(items, { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }),
        (sent, cuts) => {
          const stream = Buffer.concat(
            sent.flatMap((item) =>
              'frame' in item ? [frameHeader(item.role, item.frame), item.frame.bytes] : [messageBytes(item.message)],
            ),
          );
          const got: unknown[] = [];
          const deframer = new Deframer({
            frame: (role, frame) => got.push({ role, frame: { ...frame, bytes: new Uint8Array(frame.bytes) } }),
            message: (message) => got.push({ message }),
          });
          for (let at = 0, cut = 0; at < stream.length; cut++) {
            const next = at + (cuts[cut % cuts.length] as number);
            deframer.push(stream.subarray(at, next));
            at = next;
          }
          expect(got).toEqual(sent.map((item) => ('message' in item ? JSON.parse(JSON.stringify(item)) : item)));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('refuses a damaged stream in a sentence instead of waiting for ever', () => {
    const huge = Buffer.alloc(8);
    huge.writeUInt32LE(0x7fffffff, 0);
    expect(() => new Deframer(silent).push(huge)).toThrow(/damaged/);
    expect(() => new Deframer(silent).push(Buffer.from([2, 0, 0, 0, 9, 9]))).toThrow(/damaged/);
  });

  it('never hangs or leaves its error type on random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 400 }), (bytes) => {
        try {
          new Deframer(silent).push(Buffer.from(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }),
      { numRuns: 500 },
    );
  });
});
