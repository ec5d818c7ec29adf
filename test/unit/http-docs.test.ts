import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { PROBLEMS } from '../../server/config/problem.ts';

const read = (name: string) => readFileSync(new URL(`../../server/docs/${name}`, import.meta.url), 'utf8');

test('errors.md and the error table are equal', () => {
  const rows = [...read('errors.md').matchAll(/^\| `(\w+)` \| (\d+) \| (.+?) \|$/gm)].map(([, ...cells]) => cells);
  expect(rows).toEqual(Object.entries(PROBLEMS).map(([code, [status, sentence]]) => [code, String(status), sentence]));
});

test('every sentence tells a person something: it begins large, ends with a full stop, and no two are equal', () => {
  const sentences = Object.values(PROBLEMS).map(([, sentence]) => sentence);
  for (const sentence of sentences) expect(sentence).toMatch(/^[A-Z].{15,160}\.$/);
  expect(new Set(sentences).size).toBe(sentences.length);
});

test('http.md names only codes that exist', () => {
  const named = [...read('http.md').matchAll(/\b\d{3} `(\w+)`/g)].map(([, code]) => code ?? '');
  expect(named.length).toBeGreaterThan(10);
  for (const code of named) expect(Object.keys(PROBLEMS)).toContain(code);
});
