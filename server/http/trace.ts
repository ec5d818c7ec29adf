import type { FastifyInstance } from 'fastify';
import { feedOf, otherMethods } from './signalling.ts';
import type { StageApi } from './stage-api.ts';

/** GET /api/feeds/:feed/trace: the next program frame's way through every stage. */
export function traceRoute(scope: FastifyInstance, stage: StageApi): void {
  scope.get<{ Params: { feed: string } }>('/feeds/:feed/trace', async (request) =>
    stage.trace(feedOf(request.params.feed)),
  );
  otherMethods(scope, '/feeds/:feed/trace', ['GET', 'HEAD']);
}
