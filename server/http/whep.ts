import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from '../config/problem.ts';
import { type RenditionName, renditionName } from '../wire/messages.ts';
import type { Access } from './access.ts';
import { type IceServerList, iceServerLinks } from './ice-servers.ts';
import type { IceSessions } from './ice-sessions.ts';
import {
  endSession,
  feedOf,
  otherMethods,
  patchIce,
  postOrInvite,
  saysNothing,
  sessionOf,
  signallingScope,
} from './signalling.ts';
import type { StageApi } from './stage-api.ts';

type RenditionRoute = { Params: { feed: string; rendition?: string } };
type SessionRoute = { Params: { feed: string; rendition: string; session: string } };

function renditionOf(text: string | undefined): RenditionName {
  const parsed = renditionName.safeParse(text ?? 'program');
  if (!parsed.success) throw new Problem('not_found', 'A feed has a program, a plate and a low rendition.');
  return parsed.data;
}

/**
 * A monitor goes on (WHEP draft): POST /whep/:feed or /whep/:feed/:rendition, then PATCH and DELETE what Location
 * named. A session's
 * address always names its rendition, so that it cannot be taken for one.
 */
export async function whep(
  scope: FastifyInstance,
  { stage, access, ice, turn }: { stage: StageApi; access: Access; ice: IceSessions; turn: IceServerList },
): Promise<void> {
  await signallingScope(scope, access);
  iceServerLinks(scope, turn, access);

  const post = async (request: FastifyRequest<RenditionRoute>, reply: FastifyReply) => {
    const feed = feedOf(request.params.feed);
    const rendition = renditionOf(request.params.rendition);
    return postOrInvite(request, reply, ice, {
      open: async (offer) => {
        const watched = await stage.watch(feed, rendition, offer);
        // What it got is what the session's address names.
        return { ...watched, address: `/whep/${feed}/${watched.rendition}` };
      },
      session: (id) => stage.session(feed, id),
      end: (id) => stage.end(feed, id),
    });
  };
  const get = async (request: FastifyRequest<RenditionRoute>, reply: FastifyReply) => {
    feedOf(request.params.feed);
    renditionOf(request.params.rendition);
    return saysNothing(request, reply);
  };
  for (const url of ['/:feed', '/:feed/:rendition']) {
    scope.post<RenditionRoute>(url, post);
    scope.get<RenditionRoute>(url, get);
    otherMethods(scope, url, ['GET', 'HEAD', 'POST']);
  }

  const session = '/:feed/:rendition/:session';
  scope.delete<SessionRoute>(session, async (request, reply) => {
    renditionOf(request.params.rendition);
    endSession(stage, feedOf(request.params.feed), request.params.session);
    return reply.code(200).send();
  });
  const sessionIn = ({ feed, rendition, session: id }: SessionRoute['Params']) => {
    renditionOf(rendition);
    return sessionOf(stage, feedOf(feed), id);
  };
  scope.patch<SessionRoute>(session, async (request, reply) =>
    patchIce(request, reply, ice, sessionIn(request.params)),
  );
  scope.get<SessionRoute>(session, async (request, reply) => {
    sessionIn(request.params);
    return saysNothing(request, reply);
  });
  otherMethods(scope, session, ['GET', 'HEAD', 'PATCH', 'DELETE']);
}
