import type { ComponentChildren } from 'preact';

export interface SlateWords {
  title: string;
  text: string;
  /** amber when somebody has to do something. */
  tone?: 'quiet' | 'amber';
}

/** The text at the picture's place while there is no picture. */
export function Slate({ title, text, tone = 'quiet', children }: SlateWords & { children?: ComponentChildren }) {
  return (
    <div class="slate" data-tone={tone} role="status">
      <p class="title">{title}</p>
      <p class="text">{text}</p>
      {children}
    </div>
  );
}
