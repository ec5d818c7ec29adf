import { AGE_LIMIT } from '../../server/wire/age.ts';

interface AgeDialProps {
  label: string;
  age: number;
  disabled: boolean;
  onTurn: (age: number) => void;
}

/** Younger to the left. It follows the hand at once: the face in the program is its display. */
export function AgeDial({ label, age, disabled, onTurn }: AgeDialProps) {
  const words = age === 0 ? 'as filmed' : `about ${Math.abs(age)} years ${age < 0 ? 'younger' : 'older'}`;
  const share = age / AGE_LIMIT;
  return (
    <label class="field">
      <span class="label">
        {label} <span class="dial-words">{words}</span>
      </span>
      <input
        type="range"
        min={-AGE_LIMIT}
        max={AGE_LIMIT}
        step={1}
        value={age}
        disabled={disabled}
        // Filled from its middle, which is the face as filmed.
        style={{ '--from': `${50 * Math.min(1, 1 + share)}%`, '--to': `${50 * Math.max(1, 1 + share)}%` }}
        onInput={(event) => onTurn(Number(event.currentTarget.value))}
      />
    </label>
  );
}
