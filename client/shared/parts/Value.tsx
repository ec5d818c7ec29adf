interface ValueProps {
  /** What it is, for screen readers and tests. */
  name: string;
  /** Null shows a dash in the same room. */
  value: number | string | null;
  unit?: string;
  decimals?: number;
  /** Room for this many figures: nothing moves when the value changes. */
  figures: number;
  stale?: boolean;
}

export function Value({ name, value, unit, decimals = 0, figures, stale = false }: ValueProps) {
  const text = value === null ? '–' : typeof value === 'number' ? value.toFixed(decimals) : value;
  return (
    <span class="value" data-name={name} data-stale={stale || value === null}>
      <span class="sr">{name} </span>
      <span class="number" style={{ minWidth: `${figures}ch` }}>
        {text}
      </span>
      {unit && <span class="unit">{unit}</span>}
    </span>
  );
}
