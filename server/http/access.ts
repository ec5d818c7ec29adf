import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { type Config, isLoopback } from '../config/config.ts';
import { Problem } from '../config/problem.ts';
import type { Tokens } from './tokens.ts';

/** Who may talk to this server, decided from a request's headers alone: the same for HTTP and for a WebSocket's upgrade. */
export interface Access {
  /** Refuses a Host header that a rebound DNS name would bring. */
  checkHost(headers: IncomingHttpHeaders): void;
  /** Whether the request may pass: a bearer token from anywhere, or a session cookie from this server's own pages. */
  check(headers: IncomingHttpHeaders): void;
  /** The browser session that the cookie holds and that is still valid; null otherwise. */
  session(headers: IncomingHttpHeaders): string | null;
  setCookie(session: string, maxAgeSeconds: number): string;
}

type CookieJar = Pick<FastifyInstance, 'parseCookie' | 'serializeCookie'>;

const MAX_TOKEN = 512;

/** Host without its port, in small letters; '' when it is not one. */
function hostName(host: string): string {
  const found = /^(\[[0-9a-f:.]+\]|[^:/?#@[\]\s]+)(?::\d{1,5})?$/i.exec(host);
  return found?.[1]?.toLowerCase() ?? '';
}

/**
 * Refuses a page of another server. Schemes are not compared: behind a proxy that ends TLS they differ rightly.
 * A request without Origin does not come from a page's script.
 */
export function checkOrigin(headers: IncomingHttpHeaders): void {
  if (headers.origin === undefined) return;
  const origin = URL.canParse(headers.origin) ? new URL(headers.origin) : null;
  const host = headers.host ?? '';
  const own = origin !== null && URL.canParse(`${origin.protocol}//${host}`) && new URL(`${origin.protocol}//${host}`);
  if (!own || own.host === '' || own.host !== origin?.host) throw new Problem('origin_refused');
}

/** `jar` is the app once @fastify/cookie is registered. */
export function createAccess(config: Config, tokens: Tokens, jar: CookieJar): Access {
  // Browsers keep one jar for all ports of a host: two servers on one machine need two names.
  const cookieName = `understudy_${config.server.port}`;
  const loopbackOnly = isLoopback(config.server.host);
  const ownNames = new Set(['localhost', '127.0.0.1', '[::1]', hostName(config.server.host)]);

  const session = (headers: IncomingHttpHeaders): string | null => {
    const value = headers.cookie === undefined ? undefined : jar.parseCookie(headers.cookie)[cookieName];
    return value !== undefined && value.length <= MAX_TOKEN && tokens.hasSession(value) ? value : null;
  };

  return {
    session,
    checkHost(headers) {
      if (loopbackOnly && !ownNames.has(hostName(headers.host ?? ''))) {
        throw new Problem('origin_refused', `This server answers to localhost and ${config.server.host} only.`);
      }
    },
    check(headers) {
      if (headers.authorization !== undefined) {
        const bearer = /^Bearer +([\x21-\x7e]{1,512})$/i.exec(headers.authorization)?.[1];
        if (bearer === undefined || !tokens.isApiToken(bearer)) throw new Problem('token_wrong');
        return;
      }
      if (session(headers) === null) throw new Problem('token_wrong');
      checkOrigin(headers);
    },
    setCookie: (value, maxAge) =>
      jar.serializeCookie(cookieName, value, {
        httpOnly: true,
        sameSite: 'strict',
        secure: config.server.tls !== null,
        path: '/',
        maxAge,
      }),
  };
}
