import type { Performer } from './performer.ts';
import { eachTexel, isPlainSkin } from './skin.ts';
import { encodeSrgb, LINEAR } from './texture.ts';

type Sums = [red: number, green: number, blue: number];

/** Mean linear colour of the painted skin on forehead and cheeks; null where there is none. */
function complexion({ head, textures }: Performer): Sums | null {
  const { skin } = textures;
  if (!skin) return null;
  const sums: Sums = [0, 0, 0];
  let count = 0;
  eachTexel(skin, head, (k, site) => {
    if (!isPlainSkin(site)) return;
    count++;
    for (let c = 0; c < 3; c++) sums[c] = sums[c]! + LINEAR[skin.data[4 * k + c]!]!;
  });
  return count > 0 ? (sums.map((sum) => sum / count) as Sums) : null;
}

/**
 * A performer whose skin has another's complexion: a face that is worn must match the neck below it (server/docs/decisions/complexion.md).
 * One gain a channel in linear light; features, freckles and make-up keep their contrast, eyes and teeth their colour.
 */
export function tonedTo(worn: Performer, wearer: Performer): Performer {
  const [own, other] = [complexion(worn), complexion(wearer)];
  if (!own || !other) return worn;
  const skin = worn.textures.skin!;
  const data = Uint8ClampedArray.from(skin.data);
  const tables = own.map((mean, c) =>
    Uint8ClampedArray.from(LINEAR, (value) => encodeSrgb((value * other[c]!) / Math.max(mean, 1e-4))),
  );
  for (let k = 0; k < data.length; k += 4) for (let c = 0; c < 3; c++) data[k + c] = tables[c]![skin.data[k + c]!]!;
  return { ...worn, textures: { ...worn.textures, skin: { ...skin, data } } };
}
