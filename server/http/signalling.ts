import cors from '@fastify/cors';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from '../config/problem.ts';
import { feedName } from '../wire/messages.ts';
import type { Access } from './access.ts';
import type { IceSession, IceSessions } from './ice-sessions.ts';
import { checkOffer, MAX_SDP_BYTES } from './sdp.ts';
import type { StageApi } from './stage-api.ts';

/** What WHIP (RFC 9725) and WHEP (its draft) share: media types, headers, sessions, who may come in. */

const SDP = 'application/sdp';
const FRAGMENT = 'application/trickle-ice-sdpfrag';
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
    methods: ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE', 'OPTIONS'],
    // ETag is no request's header, but a client that sends it must get as far as being told so.
    allowedHeaders: ['Authorization', 'Content-Type', 'If-Match', 'If-None-Match', 'ETag'],
    exposedHeaders: ['Location', 'ETag', 'Link', 'Accept-Post', 'Accept-Patch', 'Retry-After'],
    maxAge: 600,
    strictPreflight: false,
    preflightContinue: true,
  });
  // A preflight carries no token by design (Fetch standard): it learns only what may be asked.
  scope.addHook('onRequest', async (request) => {
    if (request.method !== 'OPTIONS') access.check(request.headers);
  });
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser([SDP, FRAGMENT], { parseAs: 'string', bodyLimit: MAX_SDP_BYTES }, (_, body, done) =>
    done(null, body),
  );
}

const mediaType = (request: FastifyRequest): string | undefined =>
  request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();

/** The body where it is of this media type. Throws `Problem` media_type_wrong. */
function bodyOf(request: FastifyRequest, type: string): string {
  if (typeof request.body !== 'string' || mediaType(request) !== type) throw new Problem('media_type_wrong');
  return request.body;
}

/** `address`: under which the session gets its own. */
type Made = { session: string; answer: string; address: string };

interface Offered {
  /** What the offer must hold; default video. */
  kind?: 'audio' | 'video';
  open(offer: string): Promise<Made>;
  session(id: string): IceSession | null;
  end(session: string): boolean;
}

interface Inviting extends Offered {
  /** Null: the answer is an offer of the server's. */
  open(offer: string | null): Promise<Made>;
}

/** Answers a POST with a new session, and ends it again when the client has gone while it was opened. */
export async function postOffer(request: FastifyRequest, reply: FastifyReply, ice: IceSessions, offered: Offered) {
  const offer = bodyOf(request, SDP);
  checkOffer(offer, offered.kind);
  const made = await offered.open(offer);
  return opened(request, reply, ice, offered, { offer, ...made })
    .code(201)
    .send(made.answer);
}

/** Who asks for refusals as sentences (our own ends do) is told what to offer instead of being offered something. */
const wantsSentence = (request: FastifyRequest): boolean =>
  (request.headers.accept ?? '').includes('application/problem+json');

/** As `postOffer`; an offer that holds nothing usable is answered with 406 and an offer of the server's (WHEP draft). */
export async function postOrInvite(request: FastifyRequest, reply: FastifyReply, ice: IceSessions, offered: Inviting) {
  try {
    return await postOffer(request, reply, ice, offered);
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'sdp_unusable' || wantsSentence(request)) throw error;
    const made = await offered.open(null).catch((failed: unknown) => {
      // What was wrong with the client's own offer says more.
      throw failed instanceof Problem && failed.code === 'sdp_unusable' ? error : failed;
    });
    return opened(request, reply, ice, offered, { offer: '', ...made })
      .code(406)
      .send(made.answer);
  }
}

/** The headers of a new session; it is ended again when the client has gone meanwhile. */
function opened(
  request: FastifyRequest,
  reply: FastifyReply,
  ice: IceSessions,
  offered: Offered,
  { session, address, offer }: Made & { offer: string },
): FastifyReply {
  const found = offered.session(session);
  if (request.raw.socket.destroyed) offered.end(session);
  if (found) reply.header('etag', ice.begin(found, offer));
  return reply.header('location', `${address}/${session}`).header('cache-control', 'no-store').type(SDP);
}

/** The session of an address. Throws `Problem` session_unknown. */
export function sessionOf(stage: StageApi, feed: string, session: string): IceSession {
  const found = SESSION_ID.test(session) ? stage.session(feed, session) : null;
  if (!found) throw new Problem('session_unknown');
  return found;
}

/** Answers a PATCH on a session's address: candidates with 204, a restart with 200 (RFC 9725 §4.3), an SDP answer with 204. */
export async function patchIce(request: FastifyRequest, reply: FastifyReply, ice: IceSessions, session: IceSession) {
  reply.header('accept-patch', FRAGMENT).header('cache-control', 'no-store');
  const ifMatch = request.headers['if-match'];
  if (session.accept && mediaType(request) === SDP) {
    const answer = bodyOf(request, SDP);
    checkOffer(answer);
    return reply
      .header('etag', ice.answer(session, ifMatch, answer))
      .code(204)
      .send();
  }
  const body = bodyOf(request, FRAGMENT);
  const { tag, fragment } = await ice.patch(session, ifMatch, body);
  if (tag !== null) reply.header('etag', tag);
  return fragment === null ? reply.code(204).send() : reply.code(200).type(FRAGMENT).send(fragment);
}

/** GET is kept for later and says nothing (RFC 9725 §4.2); HEAD is answered with 200 (WHEP draft). */
export const saysNothing = (request: FastifyRequest, reply: FastifyReply) =>
  reply.code(request.method === 'HEAD' ? 200 : 204).send();

/** Ends a session of a feed. */
export function endSession(stage: StageApi, feed: string, session: string): void {
  if (!SESSION_ID.test(session) || !stage.end(feed, session)) throw new Problem('session_unknown');
}

/** OPTIONS for an address, and 405 with Allow for the methods that it does not take. */
export function otherMethods(scope: FastifyInstance, url: string, allowed: readonly string[]): void {
  const allow = [...allowed, 'OPTIONS'].join(', ');
  scope.options(url, async (_, reply) => {
    reply.header('allow', allow);
    if (allowed.includes('POST')) reply.header('accept-post', SDP);
    if (allowed.includes('PATCH')) reply.header('accept-patch', FRAGMENT);
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
