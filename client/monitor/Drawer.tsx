import type { FeedInfo, UncastPolicy } from '../../server/wire/messages.ts';
import { Choices } from '../shared/parts/Choices.tsx';
import { Value } from '../shared/parts/Value.tsx';
import { size } from '../shared/words.ts';
import { AgeDial } from './AgeDial.tsx';
import { Cast } from './Cast.tsx';
import { panelShown } from './casting.ts';
import { LookField } from './LookField.tsx';
import { control, drawerOpen, feed } from './model.ts';
import { Question } from './Question.tsx';

const POLICIES: { value: UncastPolicy; label: string; title: string }[] = [
  { value: 'look', label: 'Replace', title: 'Faces that nobody is cast for get the default look' },
  { value: 'blur', label: 'Blur', title: 'Faces that nobody is cast for are blurred' },
  { value: 'pass', label: 'Show', title: 'Faces that nobody is cast for stay as they are' },
];

/** Folded away; open, it stands beside the picture, which makes room for it, or on a phone below it. */
export function Drawer() {
  const known = feed.value;
  const offline = control.status.value.phase !== 'open';
  return (
    <aside class="drawer" hidden={!drawerOpen.value} aria-label="Controls of the feed">
      <header>
        <h2>{known?.name ?? 'No feed'}</h2>
        <button type="button" class="button-plain" onClick={() => (drawerOpen.value = false)}>
          Close
        </button>
      </header>
      {known && (
        <>
          {panelShown.value && <Question />}
          <Cast known={known} disabled={offline} />
          <h3>Everybody else</h3>
          <LookField
            label="Look"
            look={known.look}
            disabled={offline}
            onChoose={(look) => control.send({ type: 'feed', feed: known.name, look })}
          />
          {known.age !== null && (
            <AgeDial
              label="Age"
              age={known.age}
              disabled={offline}
              onTurn={(age) => control.send({ type: 'feed', feed: known.name, age })}
            />
          )}
          <div class="field">
            <span class="label">Faces that nobody is cast for</span>
            <Choices
              label="Faces that nobody is cast for"
              choices={POLICIES}
              value={known.uncast}
              disabled={offline}
              onChoose={(uncast) => control.send({ type: 'feed', feed: known.name, uncast })}
            />
          </div>
          <Details />
        </>
      )}
    </aside>
  );
}

const SOURCES = { camera: 'the camera', mixer: 'the mixer' } as const;

function Details() {
  const known = feed.value;
  if (!known) return null;
  const { camera, program, viewers, stageMs, sound } = known;
  const stale = control.status.value.phase !== 'open';
  return (
    <>
      <h3>Camera</h3>
      <div class="table">
        <span>Picture</span>
        <Value name="camera size" value={camera ? size(camera.width, camera.height) : null} figures={9} stale={stale} />
        <span>Rate</span>
        <Value name="camera rate" value={camera?.fps ?? null} unit="fps" decimals={1} figures={5} stale={stale} />
        <span>Bits</span>
        <Value
          name="camera bitrate"
          value={camera ? camera.bitrate / 1e6 : null}
          unit="Mbps"
          decimals={1}
          figures={5}
          stale={stale}
        />
        <span>Codec</span>
        <Value name="camera codec" value={camera?.codec.toUpperCase() ?? null} figures={5} stale={stale} />
        <span>Lost</span>
        <Value name="camera lost" value={camera?.lostPct ?? null} unit="%" decimals={1} figures={5} stale={stale} />
      </div>
      <h3>Program</h3>
      <div class="table">
        <span>Picture</span>
        <Value name="program size" value={size(program.width, program.height)} figures={9} stale={stale} />
        <span>Rate</span>
        <Value name="program rate" value={program.fps} unit="fps" decimals={1} figures={5} stale={stale} />
        <span>From capture</span>
        <Value
          name="picture delay"
          value={known.pictureDelayMs}
          unit="ms until it leaves"
          decimals={1}
          figures={5}
          stale={stale}
        />
        <span>Skipped</span>
        <Value name="skipped" value={program.skipped} unit="in the last second" figures={3} stale={stale} />
        <span>Watching</span>
        <Value
          name="viewers"
          value={`${viewers.program} + ${viewers.low}`}
          unit="full + low"
          figures={5}
          stale={stale}
        />
        <span>Plate viewers</span>
        <Value name="viewers of the plate" value={viewers.plate} figures={2} stale={stale} />
      </div>
      <SoundDetails sound={sound} stale={stale} />
      <h3>Time spent on a frame</h3>
      <div class="table">
        {inOrder(stageMs).map(([stage, ms]) => (
          <>
            <span class="stage-name">{stage}</span>
            <Value name={stage} value={ms} unit="ms" decimals={1} figures={5} stale={stale} />
          </>
        ))}
      </div>
    </>
  );
}

function SoundDetails({ sound, stale }: { sound: FeedInfo['sound']; stale: boolean }) {
  return (
    <>
      <h3>Sound</h3>
      <div class="table">
        <span>From</span>
        <Value name="sound from" value={sound ? SOURCES[sound.source] : null} figures={10} stale={stale} />
        <span>Bits</span>
        <Value
          name="sound bitrate"
          value={sound ? sound.bitrate / 1000 : null}
          unit="kbps"
          figures={5}
          stale={stale || (sound?.silent ?? false)}
        />
        <span>Lost</span>
        <Value name="sound lost" value={sound?.lostPct ?? null} unit="%" decimals={1} figures={5} stale={stale} />
      </div>
    </>
  );
}

/** The way a frame goes; stages that are not known here come before the total. */
const STAGES = ['wait', 'decode', 'perceive', 'replace', 'composite', 'mark', 'encode'];

function inOrder(stageMs: Record<string, number>): [string, number][] {
  const rank = (stage: string) => (stage === 'total' ? 99 : STAGES.includes(stage) ? STAGES.indexOf(stage) : 98);
  return Object.entries(stageMs).sort(([a], [b]) => rank(a) - rank(b));
}
