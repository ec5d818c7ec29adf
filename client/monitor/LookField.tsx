import { control } from './model.ts';

interface LookFieldProps {
  label: string;
  /** Null: none is chosen. */
  look: string | null;
  disabled: boolean;
  onChoose: (look: string) => void;
}

export function LookField({ label, look, disabled, onChoose }: LookFieldProps) {
  const looks = control.looks.value;
  return (
    <label class="field">
      <span class="label">{label}</span>
      <select
        disabled={disabled || looks.length === 0}
        value={look ?? ''}
        onChange={(event) => onChoose(event.currentTarget.value)}
      >
        {look === null && <option value="">None</option>}
        {/* One that was cast and has gone from the shelf since. */}
        {look !== null && !looks.includes(look) && (
          <option value={look} disabled>
            {look} (not there)
          </option>
        )}
        {looks.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
