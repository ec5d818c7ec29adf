import type { FastifyInstance } from 'fastify';
import type { Access } from './access.ts';
import { endSession, feedOf, otherMethods, postOffer, signallingScope } from './signalling.ts';
import type { StageApi } from './stage-api.ts';

type FeedRoute = { Params: { feed: string } };
type SessionRoute = { Params: { feed: string; session: string } };

/** A camera comes in (RFC 9725): POST /whip/:feed, then DELETE what Location named. */
export async function whip(
  scope: FastifyInstance,
  { stage, access }: { stage: StageApi; access: Access },
): Promise<void> {
  await signallingScope(scope, access);

  scope.post<FeedRoute>('/:feed', async (request, reply) => {
    const feed = feedOf(request.params.feed);
    return postOffer(request, reply, `/whip/${feed}`, {
      open: (offer) => stage.publish(feed, offer),
      end: (id) => stage.end(feed, id),
    });
  });
  scope.get<FeedRoute>('/:feed', async (request, reply) => {
    feedOf(request.params.feed);
    return reply.code(204).send();
  });
  otherMethods(scope, '/:feed', ['GET', 'HEAD', 'POST']);

  scope.delete<SessionRoute>('/:feed/:session', async (request, reply) => {
    endSession(stage, feedOf(request.params.feed), request.params.session);
    return reply.code(200).send();
  });
  scope.get<SessionRoute>('/:feed/:session', async (request, reply) => {
    feedOf(request.params.feed);
    return reply.code(204).send();
  });
  otherMethods(scope, '/:feed/:session', ['GET', 'HEAD', 'DELETE']);
}
