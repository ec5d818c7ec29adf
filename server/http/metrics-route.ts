import type { FastifyInstance } from 'fastify';
import type { Access } from './access.ts';
import type { Metrics } from './metrics.ts';
import { otherMethods } from './signalling.ts';

/** GET /metrics, for those who may use the API: feed names and traffic are nobody else's business. */
export async function metricsRoute(
  scope: FastifyInstance,
  { metrics, access }: { metrics: Metrics; access: Access },
): Promise<void> {
  scope.addHook('onRequest', async (request, reply) => {
    access.check(request.headers);
    reply.header('cache-control', 'no-store');
  });
  scope.get('/metrics', async (_, reply) => reply.type(metrics.contentType).send(await metrics.text()));
  otherMethods(scope, '/metrics', ['GET', 'HEAD']);
}
