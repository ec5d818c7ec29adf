import { createHash, createHmac, randomBytes } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { TurnServer } from '../config/turn.ts';
import type { IceServers } from '../wire/ice.ts';
import type { Access } from './access.ts';
import { otherMethods } from './signalling.ts';

/**
 * STUN and TURN servers for clients (`media.turn`). Where a server shares its secret, credentials are made by the TURN REST
 * scheme (draft-uberti-behave-turn-rest): the user name is when they expire (Unix seconds), a colon and an id; the credential is
 * base64 of HMAC-SHA1 of the user name under the secret. SHA-1 is the scheme's choice; coturn and others speak only that.
 */
export interface IceServerList {
  /** For RTCPeerConnection. `who` tells one client's credentials from another's in the TURN server's log. */
  list(who: string): IceServers;
  /** Link header values (RFC 9725 §4.6), one for each URL. */
  links(who: string): string[];
}

export function createIceServers(turn: readonly TurnServer[], nowMs: () => number = Date.now): IceServerList {
  const list = (who: string): IceServers => ({
    iceServers: turn.map(({ urls, username, credential, secret, hours }) => {
      if (secret === null) return username === null || credential === null ? { urls } : { urls, username, credential };
      const expiring = `${Math.floor(nowMs() / 1000 + hours * 3600)}:${idOf(who)}`;
      return { urls, username: expiring, credential: createHmac('sha1', secret).update(expiring).digest('base64') };
    }),
    validSeconds: Math.min(...turn.filter(({ secret }) => secret !== null).map(({ hours }) => hours * 3600), 86_400),
  });
  return {
    list,
    links: (who) =>
      list(who).iceServers.flatMap(({ urls, username, credential }) =>
        urls.map((url) => {
          const link = `<${url}>; rel="ice-server"`;
          if (username === undefined) return link;
          return `${link}; username="${username}"; credential="${credential}"; credential-type="password"`;
        }),
      ),
  };
}

/** A session's address is nobody's business on the way to a TURN server: its user name carries a mark of it only. */
const idOf = (who: string): string => createHash('sha256').update(who).digest('base64url').slice(0, 12);

/**
 * Adds the links to answers that open a session, and to OPTIONS of whoever may open one: a client that wants them before its
 * offer asks so (RFC 9725 §4.6). A preflight, which carries no token, learns nothing.
 */
export function iceServerLinks(scope: FastifyInstance, ice: IceServerList, access: Access): void {
  scope.addHook('onSend', async (request, reply) => {
    if (request.method === 'POST' && reply.statusCode === 201)
      addLinks(reply, ice.links(String(reply.getHeader('location'))));
    else if (request.method === 'OPTIONS' && mayEnter(request, access))
      addLinks(reply, ice.links(randomBytes(9).toString('base64url')));
  });
}

function addLinks(reply: FastifyReply, links: string[]): void {
  if (links.length === 0) return;
  reply.header('link', links);
  reply.header('cache-control', 'no-store');
}

function mayEnter(request: FastifyRequest, access: Access): boolean {
  try {
    access.check(request.headers);
    return true;
  } catch {
    return false;
  }
}

/** GET /api/ice-servers, for our own pages: they ask before their first offer. */
export function iceServersRoute(scope: FastifyInstance, ice: IceServerList): void {
  scope.get('/ice-servers', async () => ice.list(randomBytes(9).toString('base64url')));
  otherMethods(scope, '/ice-servers', ['GET', 'HEAD']);
}
