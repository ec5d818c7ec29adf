import { createHash } from 'node:crypto';

/** Neutral grey and one column, as on every page of ours; kept here because it must show when nothing else can be loaded. */
const STYLE = `
:root{color-scheme:dark}
body{margin:0;min-height:100vh;display:grid;place-items:center;background:#1c1c1c;color:#e6e6e6;
font:18px/1.5 system-ui,sans-serif}
main{max-width:34rem;padding:2rem}
h1{margin:0 0 .5rem;font-size:1.5rem;font-weight:600}
p{margin:0;color:#c4c4c4}
a{color:inherit}
small{display:block;margin-top:2rem;color:#9a9a9a;font-size:.8rem}
`;

/** What the Content-Security-Policy names, so that this style runs and no other inline style does. */
export const PAGE_STYLE_HASH = `'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`;

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (letter) => ESCAPES[letter] ?? '');

interface SentencePage {
  title: string;
  sentence: string;
  /** A path of ours that the page moves on to by itself. */
  next?: string;
}

/** A whole page that says one thing. */
export function sentencePage({ title, sentence, next }: SentencePage): string {
  const onward = next === undefined ? '' : `<meta http-equiv="refresh" content="0;url=${escapeHtml(next)}">`;
  const link = next === undefined ? '' : ` <a href="${escapeHtml(next)}">Go on</a>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">${onward}
<title>${escapeHtml(title)} · Understudy</title><style>${STYLE}</style></head>
<body><main><h1>${escapeHtml(title)}</h1><p>${escapeHtml(sentence)}${link}</p><small>Understudy</small></main></body></html>
`;
}
