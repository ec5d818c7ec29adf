import type { FastifyInstance } from 'fastify';
import type { Access } from './access.ts';
import { type IceServerList, iceServerLinks } from './ice-servers.ts';
import type { IceSessions } from './ice-sessions.ts';
import {
  endSession,
  feedOf,
  otherMethods,
  patchIce,
  postOffer,
  saysNothing,
  sessionOf,
  signallingScope,
} from './signalling.ts';
import type { StageApi } from './stage-api.ts';

type FeedRoute = { Params: { feed: string } };
type SessionRoute = { Params: { feed: string; session: string } };

/**
 * A camera comes in (RFC 9725): POST /whip/:feed, then PATCH and DELETE what Location named. A mixer's sound comes in the same way at
 * /whip/:feed/sound; its sessions lie below that, so that the name is never taken for a session's.
 */
export async function whip(
  scope: FastifyInstance,
  { stage, access, ice, turn }: { stage: StageApi; access: Access; ice: IceSessions; turn: IceServerList },
): Promise<void> {
  await signallingScope(scope, access);
  iceServerLinks(scope, turn, access);

  scope.post<FeedRoute>('/:feed', async (request, reply) => {
    const feed = feedOf(request.params.feed);
    return postOffer(request, reply, ice, {
      open: async (offer) => ({ ...(await stage.publish(feed, offer)), address: `/whip/${feed}` }),
      session: (id) => stage.session(feed, id),
      end: (id) => stage.end(feed, id),
    });
  });
  scope.get<FeedRoute>('/:feed', async (request, reply) => {
    feedOf(request.params.feed);
    return saysNothing(request, reply);
  });
  otherMethods(scope, '/:feed', ['GET', 'HEAD', 'POST']);

  scope.post<FeedRoute>('/:feed/sound', async (request, reply) => {
    const feed = feedOf(request.params.feed);
    return postOffer(request, reply, ice, {
      kind: 'audio',
      open: async (offer) => ({ ...(await stage.publishSound(feed, offer)), address: `/whip/${feed}/sound` }),
      session: (id) => stage.session(feed, id),
      end: (id) => stage.end(feed, id),
    });
  });

  for (const session of ['/:feed/:session', '/:feed/sound/:session']) sessionRoutes(scope, stage, ice, session);
  scope.get<FeedRoute>('/:feed/sound', async (request, reply) => {
    feedOf(request.params.feed);
    return saysNothing(request, reply);
  });
  otherMethods(scope, '/:feed/sound', ['GET', 'HEAD', 'POST']);
}

function sessionRoutes(scope: FastifyInstance, stage: StageApi, ice: IceSessions, url: string): void {
  scope.delete<SessionRoute>(url, async (request, reply) => {
    endSession(stage, feedOf(request.params.feed), request.params.session);
    return reply.code(200).send();
  });
  scope.patch<SessionRoute>(url, async (request, reply) => {
    const { feed, session } = request.params;
    return patchIce(request, reply, ice, sessionOf(stage, feedOf(feed), session));
  });
  scope.get<SessionRoute>(url, async (request, reply) => {
    const { feed, session } = request.params;
    sessionOf(stage, feedOf(feed), session);
    return saysNothing(request, reply);
  });
  otherMethods(scope, url, ['GET', 'HEAD', 'PATCH', 'DELETE']);
}
