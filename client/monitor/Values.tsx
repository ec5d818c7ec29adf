import type { FaceInfo } from '../../server/wire/messages.ts';
import { laterBy, timecodeText } from '../../server/wire/timecode.ts';
import { now } from '../shared/now.ts';
import { Badge } from '../shared/parts/Badge.tsx';
import { Value } from '../shared/parts/Value.tsx';
import { again, STATE_WORDS, size } from '../shared/words.ts';
import { control, feed, links, meters, showsLow, view } from './model.ts';
import { leading, trouble, unfoldWarning } from './trouble.ts';

const VIEW_WORDS = { program: 'PROGRAM', plate: 'PLATE', wipe: 'PLATE | PROGRAM', side: 'PLATE | PROGRAM' } as const;
const LOW_WORDS = { ...VIEW_WORDS, program: 'PROGRAM, LOW', wipe: 'PLATE | LOW', side: 'PLATE | LOW' } as const;

/** The line of numbers: fixed places, from left to right what matters most. */
export function Values() {
  const shown = meters[leading.value]?.read(now.value);
  const stale = shown?.stale ?? true;
  const known = feed.value;
  const scaled = leading.value === 'program' && (known?.program.scale ?? 1) < 1;
  return (
    <footer class="values">
      <span class="what" data-kind={view.value}>
        {(showsLow.value ? LOW_WORDS : VIEW_WORDS)[view.value]}
      </span>
      <span class="state">
        <StateBadge />
      </span>
      <span class="latency">
        <Value name="latency" value={shown?.latencyMs ?? null} unit="ms" decimals={1} figures={6} stale={stale} />
        <Value
          name="latency in frames"
          value={shown?.latencyFrames ?? null}
          unit="frames"
          decimals={1}
          figures={4}
          stale={stale}
        />
      </span>
      <Value
        name="frames a second"
        value={shown?.width ? shown.fps : null}
        unit="fps"
        decimals={1}
        figures={4}
        stale={stale}
      />
      <span class={scaled ? 'size lowered' : 'size'}>
        <Value name="size" value={shown ? size(shown.width, shown.height) : null} figures={9} stale={stale} />
      </span>
      <TimecodeValue />
      <Value
        name="models run on"
        value={known?.provider.toUpperCase() ?? null}
        figures={4}
        stale={control.status.value.phase !== 'open'}
      />
      <span class="tail">
        {trouble.value?.folded ? <Folded lowered={scaled} text={trouble.value.text} /> : <Faces />}
      </span>
    </footer>
  );
}

/** The timecode of the picture that is shown: what was heard when it was captured. Nothing where a feed has none. */
function TimecodeValue() {
  const heard = feed.value?.timecode;
  if (!heard) return null;
  const { offsetUs } = control.clock;
  const last = meters[leading.value]?.last;
  const age = last?.ageMs ?? null;
  const offline = control.status.value.phase !== 'open';
  const nowUs = offsetUs === null ? heard.captureUs : now.value * 1000 + offsetUs;
  const capturedUs = last && age !== null && offsetUs !== null ? (last.shownMs - age) * 1000 + offsetUs : nowUs;
  const code = laterBy(heard.code, heard.rate, (capturedUs - heard.captureUs) / 1000);
  return <Value name="timecode" value={timecodeText(code)} figures={11} stale={heard.stale || offline} />;
}

/** What remains of a warning that was folded away; it opens it again. */
function Folded({ lowered, text }: { lowered: boolean; text: string }) {
  return (
    <button type="button" class="button-plain" onClick={unfoldWarning} title={text}>
      <Badge tone="amber">{lowered ? 'Resolution lowered' : 'Look here'}</Badge>
    </button>
  );
}

function StateBadge() {
  const control_ = control.status.value;
  if (control_.phase === 'refused') return <Badge tone="amber">Not allowed in</Badge>;
  if (control_.phase === 'waiting') return <Badge tone="amber">{again(control_)}</Badge>;
  const link = links[leading.value].status.value;
  if (link.phase === 'waiting' && feed.value?.state === 'live') return <Badge tone="amber">{again(link)}</Badge>;
  const known = feed.value;
  if (!known) return <Badge>No feed</Badge>;
  const { word, tone } = STATE_WORDS[known.state];
  return <Badge tone={tone}>{word}</Badge>;
}

/** How far a replaced face's skin lies from its neck's; of several the worst. Beside it what the camera's own picture has there. */
function NeckValue({ faces }: { faces: readonly FaceInfo[] }) {
  const worst = faces
    .flatMap(({ neck }) => neck ?? [])
    .reduce((most, one) => (one.program > most.program ? one : most), { program: -1, plate: 0 });
  if (worst.program < 0) return null;
  return (
    <span
      class="neck"
      title="CIEDE2000 between the replaced face's skin and the neck below it. In brackets: the performer's own face against the same neck."
    >
      <Value
        name="face against neck"
        value={worst.program}
        unit={`ΔE (${worst.plate.toFixed(1)})`}
        decimals={1}
        figures={4}
      />
    </span>
  );
}

/** How many faces are shown how, and why one is covered. */
function Faces() {
  const faces = feed.value?.faces ?? [];
  const count = (how: FaceInfo['shown']) => faces.filter(({ shown }) => shown === how).length;
  const [changed, covered, own] = [count('changed'), count('covered'), count('plate')];
  const why = faces.find(({ shown, why: words }) => shown === 'covered' && words)?.why;
  const words = [
    // With an age treatment a face is the performer's own: nobody should read it as replaced.
    changed + own === 0 || count('replaced') > 0 ? `${count('replaced')} replaced` : '',
    changed > 0 ? `${changed} own face, age changed` : '',
    own > 0 ? `${own} as filmed` : '',
    covered > 0 ? `${covered} covered${why ? `: ${why}` : ''}` : '',
  ];
  return (
    <>
      <NeckValue faces={faces} />
      <span class="quiet">{faces.length === 0 ? 'No face' : words.filter((part) => part).join(' · ')}</span>
    </>
  );
}
