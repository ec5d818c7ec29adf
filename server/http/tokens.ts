import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** Where browser sessions are kept: in this process's memory for now, in the keeper later. Keys are digests, never tokens. */
export interface SessionStore {
  put(digest: string, expiresMs: number): void;
  /** When the session ends, in the clock of `put`; null when there is none. */
  expiresMs(digest: string): number | null;
  delete(digest: string): void;
}

export interface Tokens {
  /** What headless cameras, monitors and scripts send as `Authorization: Bearer …`. */
  readonly apiToken: string;
  /** Path and query of a link that lets one browser in, once, within twelve hours: `/enter?token=…&to=…`. */
  link(to: string): string;
  /** Spends a link's token for a browser session; null when it is unknown, spent or too old. */
  redeem(token: string): { session: string; maxAgeSeconds: number } | null;
  hasSession(session: string): boolean;
  isApiToken(token: string): boolean;
}

interface TokenOptions {
  /** A fixed API token; a random one is made when it is missing. */
  apiToken?: string | null;
  /** How long a browser's session holds; read at each new one. */
  life: { readonly sessionHours: number };
  store?: SessionStore;
  nowMs?: () => number;
}

const LINK_LIFE_MS = 12 * 3600e3;
/** Links that wait to be opened; the oldest dies first. */
const MAX_LINKS = 1000;
const MAX_SESSIONS = 10_000;

/** 256 random bits, base64url: 43 characters. The first is a letter or a digit: `--token -x…` would read as an option (one secret in 64). */
export function secret(): string {
  for (;;) {
    const text = randomBytes(32).toString('base64url');
    if (/^[A-Za-z0-9]/.test(text)) return text;
  }
}
const digest = (text: string): string => createHash('sha256').update(text).digest('base64url');

/** Sessions in memory; the oldest dies first when there are too many. */
function memoryStore(): SessionStore {
  const sessions = new Map<string, number>();
  return {
    put(key, expiresMs) {
      const oldest = sessions.keys().next().value;
      if (sessions.size >= MAX_SESSIONS && oldest !== undefined) sessions.delete(oldest);
      sessions.set(key, expiresMs);
    },
    expiresMs: (key) => sessions.get(key) ?? null,
    delete: (key) => void sessions.delete(key),
  };
}

/**
 * Everything that lets somebody in. Links and sessions are found by the digest of a 256-bit secret, so a look-up's timing tells
 * nothing about the secret; the API token is compared in constant time.
 */
export function createTokens(options: TokenOptions): Tokens {
  const { store = memoryStore(), nowMs = Date.now, life } = options;
  const apiToken = options.apiToken ?? secret();
  const apiDigest = Buffer.from(digest(apiToken));
  const links = new Map<string, number>();

  return {
    apiToken,
    link(to) {
      const oldest = links.keys().next().value;
      if (links.size >= MAX_LINKS && oldest !== undefined) links.delete(oldest);
      const token = secret();
      links.set(digest(token), nowMs() + LINK_LIFE_MS);
      return `/enter?token=${token}&to=${encodeURIComponent(to)}`;
    },
    redeem(token) {
      const key = digest(token);
      const expiresMs = links.get(key);
      links.delete(key);
      if (expiresMs === undefined || nowMs() >= expiresMs) return null;
      const session = secret();
      store.put(digest(session), nowMs() + life.sessionHours * 3600e3);
      return { session, maxAgeSeconds: Math.floor(life.sessionHours * 3600) };
    },
    hasSession(session) {
      const key = digest(session);
      const expiresMs = store.expiresMs(key);
      if (expiresMs === null) return false;
      if (nowMs() < expiresMs) return true;
      store.delete(key);
      return false;
    },
    isApiToken: (token) => timingSafeEqual(Buffer.from(digest(token)), apiDigest),
  };
}
