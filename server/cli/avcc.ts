/** H.264 as files hold it (ISO/IEC 14496-15: length-prefixed units, parameter sets apart) and as streams do (annex B). */
import { NAL, nalType, START_CODE, splitAnnexB } from '../media/rtp/annexb.ts';
import { CommandError } from './command.ts';

function readSets(description: Buffer): { sets: Buffer[]; lengthBytes: number } {
  const lengthBytes = ((description[4] as number) & 3) + 1;
  const sets: Buffer[] = [];
  let at = 5;
  for (const mask of [0x1f, 0xff]) {
    const count = (description[at++] ?? 0) & mask;
    for (let i = 0; i < count; i++) {
      const length = description.readUInt16BE(at);
      sets.push(description.subarray(at + 2, at + 2 + length));
      at += 2 + length;
    }
  }
  return { sets, lengthBytes };
}

const withStartCodes = (units: readonly Buffer[]): Buffer => Buffer.concat(units.flatMap((unit) => [START_CODE, unit]));

function splitLengths(bytes: Buffer, lengthBytes: number): Buffer[] {
  const units: Buffer[] = [];
  for (let at = 0; at + lengthBytes < bytes.length; ) {
    const length = bytes.readUIntBE(at, lengthBytes);
    at += lengthBytes;
    if (at + length > bytes.length) throw new CommandError('The file is damaged: a picture is cut off.');
    units.push(bytes.subarray(at, at + length));
    at += length;
  }
  return units;
}

/** A converter for one file's packets → annex B access units with parameter sets before each key frame. */
export function toAnnexB(description: Buffer | null): (bytes: Buffer, key: boolean) => Buffer {
  // avcC begins with its version, 1; anything else has start codes already.
  if (description?.[0] !== 1) {
    const sets = description ? splitAnnexB(description) : [];
    return (bytes, key) => {
      const own = splitAnnexB(bytes);
      const bare = key && !own.some((unit) => nalType(unit) === NAL.sps);
      return bare ? withStartCodes([...sets, ...own]) : Buffer.from(bytes);
    };
  }
  const { sets, lengthBytes } = readSets(description);
  return (bytes, key) => {
    const units = splitLengths(bytes, lengthBytes);
    const bare = key && !units.some((unit) => nalType(unit) === NAL.sps);
    return withStartCodes(bare ? [...sets, ...units] : units);
  };
}

/** profile_idc, constraints and level_idc of a file's first parameter set, six hex digits, or null. */
export function profileLevelId(description: Buffer | null): string | null {
  const sets = description?.[0] === 1 ? readSets(description).sets : splitAnnexB(description ?? Buffer.alloc(0));
  const sps = sets.find((set) => nalType(set) === NAL.sps);
  return sps ? sps.subarray(1, 4).toString('hex') : null;
}

/** avcC for an access unit that holds parameter sets, or null where it holds none. */
export function avcDescription(accessUnit: Uint8Array): { description: Buffer; codec: string } | null {
  const units = splitAnnexB(accessUnit);
  const sps = units.filter((unit) => nalType(unit) === NAL.sps);
  const pps = units.filter((unit) => nalType(unit) === NAL.pps);
  const first = sps[0];
  if (!first || pps.length === 0) return null;
  const counted = (sets: Buffer[], marker: number): Buffer[] => [
    Buffer.from([marker | sets.length]),
    ...sets.flatMap((set) => [Buffer.from([set.length >> 8, set.length & 0xff]), set]),
  ];
  const head = Buffer.from([1, first[1] as number, first[2] as number, first[3] as number, 0xff]);
  return {
    description: Buffer.concat([head, ...counted(sps, 0xe0), ...counted(pps, 0)]),
    codec: `avc1.${first.subarray(1, 4).toString('hex')}`,
  };
}

/** An annex B access unit with four-byte lengths; delimiters left out. Parameter sets stay: they may change midway. */
export function toLengthPrefixed(accessUnit: Uint8Array): Buffer {
  const units = splitAnnexB(accessUnit).filter((unit) => nalType(unit) !== NAL.delimiter);
  return Buffer.concat(
    units.flatMap((unit) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(unit.length);
      return [length, unit];
    }),
  );
}
