/** NAL units of an H.264 byte stream (ITU-T H.264 annex B). */

export const NAL = { slice: 1, idr: 5, sei: 6, sps: 7, pps: 8, delimiter: 9, filler: 12, stapA: 24, fuA: 28 } as const;
export const START_CODE = Buffer.from([0, 0, 0, 1]);

export const nalType = (nal: Uint8Array): number => (nal[0] ?? 0) & 0x1f;

/** Views of the units between start codes, without trailing zeros. */
export function splitAnnexB(stream: Uint8Array): Buffer[] {
  const bytes = Buffer.from(stream.buffer, stream.byteOffset, stream.byteLength);
  const units: Buffer[] = [];
  let start = -1;
  for (let from = 0; ; ) {
    const code = bytes.indexOf('\x00\x00\x01', from, 'latin1');
    let end = code < 0 ? bytes.length : code;
    while (start >= 0 && end > start && bytes[end - 1] === 0) end--;
    if (start >= 0 && end > start) units.push(bytes.subarray(start, end));
    if (code < 0) return units;
    start = code + 3;
    from = start;
  }
}
