import type { ComponentChildren } from 'preact';

export type Tone = 'quiet' | 'green' | 'amber' | 'red';

/** A shape for each tone, so that colour is never alone. */
const SHAPES: Record<Tone, string> = {
  quiet: 'M5 1.5a3.5 3.5 0 1 0 0 7a3.5 3.5 0 1 0 0-7zM5 3a2 2 0 1 1 0 4a2 2 0 1 1 0-4z',
  green: 'M5 0a5 5 0 1 0 0 10a5 5 0 1 0 0-10z',
  amber: 'M5 0L10 9.5H0z',
  red: 'M5 0a5 5 0 1 0 0 10a5 5 0 1 0 0-10z',
};

export function Badge({ tone = 'quiet', children }: { tone?: Tone; children: ComponentChildren }) {
  return (
    <span class="badge" data-tone={tone}>
      <svg class="mark" viewBox="0 0 10 10" aria-hidden="true">
        <path d={SHAPES[tone]} fill="currentColor" />
      </svg>
      {children}
    </span>
  );
}
