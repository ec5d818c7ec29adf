/**
 * Measures how performers are known again: each clip's person is cast on its first half and comes back in the second, everybody else enters
 * at the same place, and each two people cross. One person a clip, the largest face; `anna/1=a.mkv anna/2=b.mkv` are two clips of one person.
 * Usage: node scripts/identity/returns.ts [--learn] PERSON/CLIP=VIDEO ...   (--learn: nothing is captured, only the tap is given)
 */
import { parseArgs } from 'node:util';
import { Castings } from '../../server/engine/casting/castings.ts';
import { onHead, readHead } from '../../server/engine/casting/head.ts';
import { readShapeModel } from '../../server/engine/casting/shape.ts';
import type { Track } from '../../server/face/types.ts';
import type { NeutralFace } from '../../server/wire/casting.ts';
import { type EngineParts, MODELS_DIR, withEngine } from '../eval/engine.ts';
import { readVideo } from '../eval/video.ts';

const FRAME_US = 33_333;
/** Everybody stands where everybody else stood: place alone tells nothing here. */
const [WIDTH, FACE, MIDDLE] = [1280, 110, 320];
const AWAY_FRAMES = 60;
/** Pictures of a clip at least that are the first half, and that are the second. */
const [FIRST, SECOND] = [40, 15];

const head = readHead(MODELS_DIR);
const model = readShapeModel(MODELS_DIR);

interface Clip {
  name: string;
  person: string;
  tracks: (Track | null)[];
}

async function read(engine: EngineParts, argument: string): Promise<Clip> {
  const [name = '', file = ''] = argument.split('=');
  const perceiver = await engine.perceiver();
  const tracks: Clip['tracks'] = [];
  for await (const picture of readVideo(file, engine.pictures)) {
    picture.id.captureUs = (tracks.length + 1) * FRAME_US;
    const seen = await perceiver.perceive(picture).complete;
    const [largest] = seen.toSorted((a, b) => b.box.w - a.box.w);
    tracks.push(largest ? structuredClone(largest) : null);
    engine.pictures.give(picture);
  }
  perceiver.close();
  return { name, person: name.split('/')[0] ?? name, tracks };
}

/** Plays tracks at places of our own through the engine's own decisions. */
class Scene {
  readonly castings = new Castings({ head, model });
  #us = 0;

  constructor(ids: readonly string[]) {
    this.castings.set(ids.map((id) => ({ casting: { id, performer: id, look: 'mara', age: 0 }, neutral: null })));
  }

  /** @returns which casting each is taken for. */
  show(faces: readonly { track: Track | null; id: number; x: number; state?: Track['state'] }[]): (string | null)[] {
    this.#us += FRAME_US;
    const shown = faces.flatMap(({ track, id, x, state }) =>
      track ? [{ ...track, id, state: state ?? track.state, box: { x: x - FACE / 2, y: 140, w: FACE, h: FACE } }] : [],
    );
    this.castings.see(shown, this.#us, WIDTH);
    return faces.map(({ track, id, state }) => {
      const claim = track && (state ?? track.state) === 'known' ? this.castings.claim(id) : null;
      return claim?.kind === 'cast' ? claim.casting.id : null;
    });
  }
}

/** The first good views' mean, for people who are never calm: as if a crew had captured them before. */
function meanFace(tracks: Clip['tracks']): NeutralFace | null {
  const good = tracks.filter((one): one is Track => one?.state === 'known' && Math.abs(one.yawDeg) < 20);
  const points = good.slice(0, 30).flatMap(({ landmarks }) => (landmarks ? [onHead(head, landmarks.points)] : []));
  const mean = Array.from(points[0] ?? [], (_, k) => points.reduce((sum, one) => sum + one[k]!, 0) / points.length);
  return points.length < 8 ? null : { points: mean, spread: 0, atMs: 1 };
}

/** @returns pictures in which whoever comes back is taken for the first clip's person; null where that could not be cast. */
function comesBack(first: Clip, second: Clip, learn: boolean): number | null {
  const scene = new Scene(['a']);
  const halfOf = ({ tracks }: Clip): number => Math.max(FIRST, tracks.length >> 1);
  let kept = false;
  scene.castings.captured = () => {
    kept = true;
  };
  for (const [k, track] of first.tracks.slice(0, halfOf(first)).entries()) {
    scene.show([{ track, id: 1, x: MIDDLE }]);
    if (k !== 2) continue;
    scene.castings.bind('a', 1);
    if (!learn) scene.castings.capture('a');
  }
  if (!kept && !learn) {
    const neutral = meanFace(first.tracks.slice(0, halfOf(first)));
    if (!neutral) return null;
    scene.castings.set([{ casting: { id: 'a', performer: 'a', look: 'mara', age: 0 }, neutral }]);
  }
  for (let k = 0; k < AWAY_FRAMES; k++) scene.show([]);
  const from = Math.min(second.tracks.length - SECOND, halfOf(second));
  return second.tracks.slice(from).filter((track) => scene.show([{ track, id: 9, x: MIDDLE }])[0] === 'a').length;
}

/** @returns pictures after a crossing of two people in which one is taken for the other. @param exchanged by the tracker. */
function cross(one: Clip, other: Clip, learn: boolean, exchanged: boolean): number {
  const scene = new Scene(['a', 'b']);
  const at = ({ tracks }: Clip, k: number): Track | null => {
    const round = k % (2 * tracks.length - 2);
    return tracks[Math.min(round, 2 * tracks.length - 2 - round)] ?? null;
  };
  let wrong = 0;
  for (let k = 0; k < 200; k++) {
    const [meeting, parted] = [k >= 120 && k < 128, k >= 128];
    const way = 19 * (parted ? Math.min(20, k - 127) : meeting ? 0 : Math.min(21, 120 - k));
    const x = parted ? [600 + way, 600 - way] : [600 - way, 600 + way];
    const ids = parted && exchanged ? [2, 1] : [1, 2];
    const claims = scene.show(
      [one, other].map((clip, p) => ({
        track: at(clip, k),
        id: ids[p]!,
        x: x[p]!,
        ...(meeting && { state: 'ambiguous' as const }),
      })),
    );
    if (parted && claims.some((claim, p) => claim !== null && claim !== ['a', 'b'][p])) wrong++;
    if (k !== 3) continue;
    for (const [p, id] of ['a', 'b'].entries()) {
      scene.castings.bind(id, p + 1);
      if (!learn) scene.castings.capture(id);
    }
  }
  return wrong;
}

function measure(clips: readonly Clip[], learn: boolean): void {
  const counts = { returns: 0, known: 0, entries: 0, taken: 0, crossings: 0, wrong: 0 };
  for (const a of clips)
    for (const b of clips) {
      const pictures = comesBack(a, b, learn);
      const same = a.person === b.person;
      if (pictures !== null) {
        counts[same ? 'returns' : 'entries']++;
        if (pictures > 0) counts[same ? 'known' : 'taken']++;
        if (pictures > 0 && !same) console.log(`${b.name} was taken for ${a.name} in ${pictures} pictures`);
      }
      for (const exchanged of same ? [] : [false, true]) {
        counts.crossings++;
        if (cross(a, b, learn, exchanged) > 0) counts.wrong++;
      }
    }
  const { returns, known, entries, taken, crossings, wrong } = counts;
  console.log(`returns known without a tap: ${known} of ${returns}`);
  console.log(`entries of somebody else taken for the performer: ${taken} of ${entries}`);
  console.log(`crossings in which somebody wore the other's look: ${wrong} of ${crossings}`);
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { learn: { type: 'boolean', default: false } },
});
if (positionals.length === 0) throw new Error('Name clips of one person each: PERSON/CLIP=VIDEO ...');
await withEngine(async ({ engine }) => {
  const clips: Clip[] = [];
  for (const argument of positionals) clips.push(await read(engine, argument));
  measure(clips, values.learn);
});
