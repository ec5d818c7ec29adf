import type { FastifyInstance } from 'fastify';
import { otherMethods } from './signalling.ts';
import type { StageApi } from './stage-api.ts';
import type { StoreApi } from './store-api.ts';

/**
 * For service managers and load balancers, without a token: /healthz while this process answers, /readyz while a camera that
 * came now would be served at once. A store that fails is told and changes neither: pictures go on without it.
 */
export async function health(
  scope: FastifyInstance,
  { stage, store }: { stage: StageApi; store: StoreApi },
): Promise<void> {
  scope.addHook('onRequest', async (_, reply) => void reply.header('cache-control', 'no-store'));

  scope.get('/healthz', async () => ({ status: 'ok', store: store.state() }));
  otherMethods(scope, '/healthz', ['GET', 'HEAD']);

  scope.get('/readyz', async (_, reply) => {
    const missing = stage.missing();
    if (missing.length === 0) return { status: 'ready' };
    return reply.code(503).header('retry-after', '1').send({ status: 'not ready', missing });
  });
  otherMethods(scope, '/readyz', ['GET', 'HEAD']);
}
