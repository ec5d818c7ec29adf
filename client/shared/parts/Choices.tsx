interface Choice<T> {
  value: T;
  label: string;
  /** Said by screen readers and the tooltip when the label alone is too short. */
  title?: string;
}

interface ChoicesProps<T> {
  label: string;
  choices: readonly Choice<T>[];
  value: T | null;
  onChoose: (value: T) => void;
  disabled?: boolean;
}

/** One of a few. Arrow keys move like in any radio group. */
export function Choices<T extends string | number>({ label, choices, value, onChoose, disabled }: ChoicesProps<T>) {
  const move = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowRight' || event.key === 'ArrowDown' ? 1 : 0;
    const back = event.key === 'ArrowLeft' || event.key === 'ArrowUp' ? 1 : 0;
    if (step === back) return;
    event.preventDefault();
    event.stopPropagation();
    const at = choices.findIndex((choice) => choice.value === value);
    const index = (at + step - back + choices.length) % choices.length;
    const chosen = choices[index];
    if (!chosen) return;
    onChoose(chosen.value);
    const group = event.currentTarget as HTMLElement;
    (group.children[index] as HTMLElement | undefined)?.focus();
  };
  return (
    <div class="choices" role="radiogroup" aria-label={label} onKeyDown={move}>
      {choices.map((choice) => (
        // biome-ignore lint/a11y/useSemanticElements: a radio group of buttons: each is a full touch target
        <button
          type="button"
          role="radio"
          key={choice.value}
          aria-checked={choice.value === value}
          tabIndex={choice.value === value || (value === null && choice === choices[0]) ? 0 : -1}
          title={choice.title}
          disabled={disabled}
          onClick={() => onChoose(choice.value)}
        >
          {choice.label}
        </button>
      ))}
    </div>
  );
}
