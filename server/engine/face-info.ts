import type { Box } from '../face/types.ts';
import type { FaceInfo } from '../wire/messages.ts';
import type { ShownFace } from './face-stage.ts';

const SHOWN = { replace: 'replaced', change: 'changed', cover: 'covered', plate: 'plate' } as const;

/** A face as pages are told of it. */
export function faceInfoOf(
  { track, treatment, casting, neck }: ShownFace,
  picture: { width: number; height: number },
): FaceInfo {
  return {
    track: track.id,
    shown: SHOWN[treatment.kind],
    why: treatment.kind === 'cover' ? treatment.why : null,
    casting,
    box: sharesOf(track.box, picture),
    neck: neck && { program: round(neck.program), plate: round(neck.plate) },
  };
}

const round = (deltaE: number): number => Math.round(deltaE * 10) / 10;

/** The part of a box that lies in the picture, as shares of it; nothing of one that is at no place, whose face covers everything. */
function sharesOf({ x, y, w, h }: Box, { width, height }: { width: number; height: number }): FaceInfo['box'] {
  const share = (at: number, side: number): number => Math.min(1, Math.max(0, at / side)) || 0;
  const [left, top] = [share(x, width), share(y, height)];
  return { x: left, y: top, w: Math.max(0, share(x + w, width) - left), h: Math.max(0, share(y + h, height) - top) };
}
