import { useSignal } from '@preact/signals';
import type { CastingInfo } from '../../server/wire/casting.ts';
import type { FeedInfo } from '../../server/wire/messages.ts';
import { Badge } from '../shared/parts/Badge.tsx';
import { HoldButton } from '../shared/parts/HoldButton.tsx';
import { AgeDial } from './AgeDial.tsx';
import { neutralWords, whereWords } from './cast-words.ts';
import { bind, captureNeutral, countdown, faces, pick, picked, tapFace } from './casting.ts';
import { LookField } from './LookField.tsx';
import { control } from './model.ts';

interface CastProps {
  known: FeedInfo;
  disabled: boolean;
}

/** Who is cast: faces of the picture to choose from, and the performers with what they wear. */
export function Cast({ known, disabled }: CastProps) {
  return (
    <section class="cast" aria-label="Cast">
      <h3>Cast</h3>
      <FaceList />
      {picked.value !== undefined && <CastForm key={picked.value} known={known} disabled={disabled} />}
      {known.castings.map((casting) => (
        <CastingCard key={casting.id} casting={casting} known={known} disabled={disabled} />
      ))}
    </section>
  );
}

/** The same faces as in the picture, for those that the panel hides, and for a keyboard. */
function FaceList() {
  return (
    <div class="face-list">
      {faces.value.length === 0 && <p class="quiet">No face in the picture.</p>}
      {faces.value.map(({ track, label, casting, asked }) => (
        <button type="button" key={track} aria-pressed={picked.value === track} onClick={() => tapFace(track)}>
          {asked ? `${label}: who is this?` : casting ? label : `Cast ${label.toLowerCase()}`}
        </button>
      ))}
      <button type="button" class="button-plain" aria-pressed={picked.value === null} onClick={() => pick(null)}>
        Somebody not in picture
      </button>
    </div>
  );
}

function CastForm({ known, disabled }: CastProps) {
  const performer = useSignal('');
  const look = useSignal(known.look ?? control.looks.peek()[0] ?? '');
  const age = useSignal(0);
  const track = picked.value ?? null;
  const face = faces.value.find((one) => one.track === track);
  const cast = (event: Event) => {
    event.preventDefault();
    const name = performer.value.trim();
    if (name === '') return;
    const wears = { performer: name, look: look.value, age: age.value };
    if (control.send({ type: 'cast', feed: known.name, track, ...wears })) picked.value = undefined;
  };
  return (
    <form
      class="cast-form"
      onSubmit={cast}
      onKeyDown={(event) => {
        if (event.key === 'Escape') picked.value = undefined;
      }}
    >
      <p>{face ? `Cast ${face.label.toLowerCase()}` : 'Cast now, tap their face when they come in'}</p>
      {face && <MissingNames known={known} disabled={disabled} track={face.track} />}
      <label class="field">
        <span class="label">Performer</span>
        <input
          maxLength={64}
          autocomplete="off"
          value={performer.value}
          onInput={(event) => (performer.value = event.currentTarget.value)}
        />
      </label>
      <LookField label="Wears" look={look.value} disabled={disabled} onChoose={(name) => (look.value = name)} />
      {control.dials.value.includes(look.value) && (
        <AgeDial label="Age" age={age.value} disabled={disabled} onTurn={(years) => (age.value = years)} />
      )}
      <div class="acts">
        <button type="submit" class="button-main" disabled={disabled || performer.value.trim() === ''}>
          Cast
        </button>
        <button type="button" class="button-plain" onClick={() => (picked.value = undefined)}>
          Cancel
        </button>
      </div>
    </form>
  );
}

/** The face may be somebody's who is cast already. */
function MissingNames({ known, disabled, track }: CastProps & { track: number }) {
  const missing = known.castings.filter((casting) => casting.track === null);
  if (missing.length === 0) return null;
  return (
    <div class="names">
      <span class="quiet">This is</span>
      {missing.map(({ id, performer }) => (
        <button
          type="button"
          key={id}
          disabled={disabled}
          onClick={() => {
            bind(id, track);
            picked.value = undefined;
          }}
        >
          {performer}
        </button>
      ))}
    </div>
  );
}

function CastingCard({ casting, known, disabled }: CastProps & { casting: CastingInfo }) {
  const { id, performer, look, age } = casting;
  const feed = known.name;
  const left = countdown.value?.casting === id ? countdown.value.left : null;
  const [where, neutral] = [whereWords(casting, known), neutralWords(casting, left)];
  return (
    <article class="casting" id={`casting-${id}`} aria-label={performer}>
      <input
        class="name"
        aria-label={`Name of ${performer}`}
        maxLength={64}
        autocomplete="off"
        value={performer}
        disabled={disabled}
        onChange={(event) => {
          const name = event.currentTarget.value.trim();
          if (name) control.send({ type: 'recast', feed, casting: id, performer: name });
          else event.currentTarget.value = performer;
        }}
      />
      <LookField
        label="Wears"
        look={look}
        disabled={disabled}
        onChoose={(name) => control.send({ type: 'recast', feed, casting: id, look: name })}
      />
      {control.dials.value.includes(look) && (
        <AgeDial
          label="Age"
          age={age}
          disabled={disabled}
          onTurn={(years) => control.send({ type: 'recast', feed, casting: id, age: years })}
        />
      )}
      <p class="state">
        <Badge tone={where.tone}>{where.text}</Badge>
        <Badge tone={neutral.tone}>{neutral.text}</Badge>
      </p>
      <CardActs casting={casting} feed={feed} disabled={disabled} left={left} />
    </article>
  );
}

interface CardActsProps {
  casting: CastingInfo;
  feed: string;
  disabled: boolean;
  /** Seconds until the neutral face is captured; null while nobody counts. */
  left: number | null;
}

function CardActs({ casting, feed, disabled, left }: CardActsProps) {
  const { id, track, neutral } = casting;
  return (
    <div class="acts">
      <button
        type="button"
        class="wide"
        disabled={disabled || track === null || neutral === 'capturing'}
        onClick={() => captureNeutral(id)}
      >
        {left === null ? 'Neutral face' : 'Not yet'}
      </button>
      <button
        type="button"
        disabled={disabled || track === null}
        title="This face is not theirs"
        onClick={() => track !== null && bind(null, track)}
      >
        Not them
      </button>
      <HoldButton onHeld={() => control.send({ type: 'uncast', feed, casting: id })}>Hold to remove</HoldButton>
    </div>
  );
}
