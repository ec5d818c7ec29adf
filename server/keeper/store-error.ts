/** A store that cannot be used now; the message is written for the person who runs the server. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';

/** What SQLite and the file system say, as a sentence: what happened, and what to do. */
const SENTENCES: readonly [code: RegExp, sentence: (file: string) => string][] = [
  [
    /^SQLITE_(BUSY|LOCKED)/,
    (file) =>
      `The store ${file} is in use by another program, perhaps by another Understudy: end that one, or give this one a folder of its own (store.dir).`,
  ],
  [
    /^SQLITE_(CORRUPT|NOTADB)/,
    (file) =>
      `The store ${file} is damaged: move it away (a new one is made, and settings begin with the configuration's), or put a copy in its place.`,
  ],
  [
    /^(SQLITE_FULL|ENOSPC|EDQUOT)/,
    (file) => `The disk of the store ${file} is full: free some space; what is to be kept waits meanwhile.`,
  ],
  [
    /^(SQLITE_(CANTOPEN|READONLY|PERM|AUTH)|EACCES|EPERM|EROFS|ENOTDIR|EEXIST|EISDIR)/,
    (file) => `The store ${file} cannot be written by this user: set store.dir to a folder that can.`,
  ],
  [
    /^(SQLITE_IOERR|EIO)/,
    (file) => `The disk of the store ${file} fails to read or write: look after that disk; pictures go on meanwhile.`,
  ],
];

/** An error of the store's files as its sentence; null when it is none of those. */
export function storeError(error: unknown, file: string): StoreError | null {
  if (error instanceof StoreError) return error;
  const code = codeOf(error);
  const found = SENTENCES.find(([pattern]) => pattern.test(code));
  return found ? new StoreError(found[1](file), { cause: error }) : null;
}
