/**
 * Finds where the landmarks of the face mesh lie on the base head's skin and writes landmark-sites.json. Needed again only
 * when the skin's vertices change (head.ts, subdivide.ts).
 *   node scripts/performer/find-landmark-sites.ts --assets DIR --skins DIR
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { openAssets } from './assets.ts';
import { buildHead } from './head.ts';
import { identityNamed } from './identity.ts';
import { findSites } from './landmark-sites.ts';
import type { Vec3 } from './vec.ts';

const { values } = parseArgs({ options: { assets: { type: 'string' }, skins: { type: 'string' } } });
if (!values.assets || !values.skins) throw new Error('Say where the CC0 head is: --assets FOLDER --skins FOLDER.');
const texture = JSON.parse(
  readFileSync(new URL('../../models/doubles/mara/texture.json', import.meta.url), 'utf8'),
) as { shape: [number, number, number][] };
const head = buildHead(openAssets(values.assets, values.skins), identityNamed('mara'));
// The file holds centimetres.
const sites = findSites(
  head,
  texture.shape.map((p): Vec3 => [p[0] / 10, p[1] / 10, p[2] / 10]),
);
const round = (v: number) => Number(v.toFixed(4));
const rows = sites.map((s) => JSON.stringify([s[0], s[1], s[2], round(s[3]), round(s[4]), round(s[5])]));
const note = 'the 468 landmarks on the base head as subdivided: three skin vertices and their weights';
writeFileSync(
  new URL('./landmark-sites.json', import.meta.url),
  `{"note":${JSON.stringify(note)},"sites":[\n${rows.join(',\n')}\n]}\n`,
);
process.stderr.write(`${sites.length} landmarks placed\n`);
