import { randomBytes } from 'node:crypto';
import cors from '@fastify/cors';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from '../config/problem.ts';
import { feedName } from '../wire/messages.ts';
import type { Access } from './access.ts';
import { checkOffer, MAX_SDP_BYTES } from './sdp.ts';
import type { StageApi } from './stage-api.ts';

/** What WHIP (RFC 9725) and WHEP (its draft) share: media types, headers, sessions, who may come in. */

const SESSION_ID = /^[A-Za-z0-9_-]{1,64}$/;

/** A feed's name from an address. */
export function feedOf(text: string | undefined): string {
  const parsed = feedName.safeParse(text);
  if (!parsed.success) throw new Problem('feed_unknown', `In an address, ${parsed.error.issues[0]?.message}.`);
  return parsed.data;
}

/** Prepares a scope for signalling: CORS for players on other pages, then the token, then SDP as text. */
export async function signallingScope(scope: FastifyInstance, access: Access): Promise<void> {
  await scope.register(cors, {
    origin: '*',
    methods: ['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS'],
    allowedHeaders: ['Authorization', 'Content-Type', 'If-Match', 'If-None-Match'],
    exposedHeaders: ['Location', 'ETag', 'Link', 'Accept-Post', 'Retry-After'],
    maxAge: 600,
    strictPreflight: false,
    preflightContinue: true,
  });
  // A preflight carries no token by design (Fetch standard): it learns only what may be asked.
  scope.addHook('onRequest', async (request) => {
    if (request.method !== 'OPTIONS') access.check(request.headers);
  });
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('application/sdp', { parseAs: 'string', bodyLimit: MAX_SDP_BYTES }, (_, body, done) =>
    done(null, body),
  );
}

interface Offered {
  open(offer: string): Promise<{ session: string; answer: string }>;
  end(session: string): boolean;
}

/** Answers a POST with a new session under `address`, and ends it again when the client has gone while it was opened. */
export async function postOffer(request: FastifyRequest, reply: FastifyReply, address: string, offered: Offered) {
  if (typeof request.body !== 'string') throw new Problem('media_type_wrong');
  checkOffer(request.body);
  const { session, answer } = await offered.open(request.body);
  if (request.raw.socket.destroyed) offered.end(session);
  return reply
    .code(201)
    .header('location', `${address}/${session}`)
    .header('etag', `"${randomBytes(9).toString('base64url')}"`)
    .header('cache-control', 'no-store')
    .type('application/sdp')
    .send(answer);
}

/** Ends a session of a feed. */
export function endSession(stage: StageApi, feed: string, session: string): void {
  if (!SESSION_ID.test(session) || !stage.end(feed, session)) throw new Problem('session_unknown');
}

/** OPTIONS for an address, and 405 with Allow for the methods that it does not take. */
export function otherMethods(scope: FastifyInstance, url: string, allowed: readonly string[]): void {
  const allow = [...allowed, 'OPTIONS'].join(', ');
  scope.options(url, async (_, reply) => {
    reply.header('allow', allow);
    if (allowed.includes('POST')) reply.header('accept-post', 'application/sdp');
    return reply.code(200).send();
  });
  const refused = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].filter((method) => !allowed.includes(method));
  scope.route({
    method: refused,
    url,
    onRequest: async (_, reply) => {
      reply.header('allow', allow);
      throw new Problem('method_refused', `It takes ${allow}.`);
    },
    handler: async () => undefined,
  });
}
