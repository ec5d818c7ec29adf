/** The rules of the house that a program can read: size, place, names. What is measured is what git holds. */
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const text = (file: string) => readFileSync(root + file, 'utf8');

function trackedFiles(): string[] {
  const listed = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 });
  const deleted = execFileSync('git', ['ls-files', '-z', '--deleted'], { cwd: root, encoding: 'utf8' }).split('\0');
  return listed.split('\0').filter((file) => file !== '' && !deleted.includes(file));
}

const files = trackedFiles();
const isCode = (file: string) => /^(server|client|scripts|test)\/.*\.(ts|tsx|mjs)$/.test(file);
const code = files.filter(isCode);
const lineCount = (file: string) => text(file).trimEnd().split('\n').length;

function quantile(values: number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
}

/** Every function with a body, by its place and its length in lines. */
function functionsIn(file: string): { at: string; lines: number }[] {
  const source = ts.createSourceFile(file, text(file), ts.ScriptTarget.Latest, true);
  const found: { at: string; lines: number }[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && 'body' in node && node.body) {
      const first = source.getLineAndCharacterOfPosition(node.getStart()).line;
      const last = source.getLineAndCharacterOfPosition(node.end).line;
      found.push({ at: `${file}:${first + 1}`, lines: last - first + 1 });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

describe('files and functions are short enough to read', () => {
  test('no file of code, style or page has more than 500 lines', () => {
    const all = files.filter((file) => isCode(file) || /^(client|server)\/.*\.(css|html)$/.test(file));
    expect(all.filter((file) => lineCount(file) > 500).map((file) => `${file}: ${lineCount(file)} lines`)).toEqual([]);
  });

  test('half of the files have at most 150 lines', () => {
    expect(quantile(code.map(lineCount), 0.5)).toBeLessThanOrEqual(150);
  });

  test('no function has more than 80 lines, and nine in ten at most 40', () => {
    // A test file's outermost callback is a chapter, not a function.
    const functions = code.filter((file) => !file.startsWith('test/')).flatMap(functionsIn);
    expect(functions.filter(({ lines }) => lines > 80).map(({ at, lines }) => `${at}: ${lines} lines`)).toEqual([]);
    expect(
      quantile(
        functions.map(({ lines }) => lines),
        0.9,
      ),
    ).toBeLessThanOrEqual(40);
  });
});

describe('everything is in its place', () => {
  test('the top level holds what the README’s map names, and dotfiles, lockfile and licence', () => {
    const rooms = ['package.json', 'tsconfig.json', 'server', 'client', 'models', 'calibration', 'scripts', 'test'];
    const beside = ['README.md', 'package-lock.json', 'LICENSE', 'NOTICE'];
    const top = new Set(files.map((file) => file.split('/')[0] ?? '').filter((name) => !name.startsWith('.')));
    expect([...top].filter((name) => ![...rooms, ...beside].includes(name))).toEqual([]);
  });

  test('the whole tree is under 60 MB', () => {
    const bytes = files.reduce((sum, file) => sum + statSync(root + file).size, 0);
    expect(bytes / 1e6).toBeLessThan(60);
  });
});

describe('nothing ties the project to one machine', () => {
  const BINARY = ['.onnx', '.png', '.jpg', '.webp', '.mp4', '.mkv', '.ivf', '.wasm', '.bin', '.woff2', '.ico', '.gz'];
  const readable = files.filter((file) => !BINARY.includes(extname(file)) && file !== 'test/unit/house.test.ts');

  test('no file names a folder of somebody’s machine', () => {
    const path = /(?<![\w.*$}~-])\/(work|home|root|Users|tmp)\/\w[\w.-]*/;
    expect(linesWith(readable, path)).toEqual([]);
  });

  test('no file names a package registry’s host', () => {
    const host = /\b(registry\.[a-z-]+\.(org|com|io|dev|net)|pypi\.org|deb\.debian\.org)\b/;
    expect(linesWith(readable, host)).toEqual([]);
  });

  const { packages } = JSON.parse(text('package-lock.json')) as {
    packages: Record<string, { resolved?: string; integrity?: string; optionalDependencies?: Record<string, string> }>;
  };
  const entries = Object.entries(packages).filter(([name]) => name !== '');

  test('the lockfile knows every platform’s native parts, not only those of the machine that wrote it', () => {
    const missing = Object.entries(packages).flatMap(([name, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter(
        (part) => !packages[`node_modules/${part}`] && !packages[`${name}/node_modules/${part}`],
      ),
    );
    expect(missing).toEqual([]);
  });

  test('the lockfile holds hashes, not hosts', () => {
    expect(entries.length).toBeGreaterThan(100);
    expect(entries.filter(([, { resolved }]) => resolved !== undefined).map(([name]) => name)).toEqual([]);
    expect(entries.filter(([, { integrity }]) => integrity === undefined).map(([name]) => name)).toEqual([]);
  });

  test('package.json names exact versions', () => {
    const manifest = JSON.parse(text('package.json')) as Record<string, Record<string, string>>;
    const lists = ['dependencies', 'devDependencies', 'optionalDependencies'];
    const versions = lists.flatMap((list) => Object.entries(manifest[list] ?? {}));
    expect(versions.length).toBeGreaterThan(10);
    expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });
});

function linesWith(within: string[], pattern: RegExp): string[] {
  return within.flatMap((file) =>
    text(file)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1}: ${line.trim().slice(0, 120)}`] : [])),
  );
}
