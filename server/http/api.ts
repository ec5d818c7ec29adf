import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { Problem } from '../config/problem.ts';
import { feedName } from '../wire/messages.ts';
import type { Access } from './access.ts';
import { pagePath } from './enter.ts';
import { type IceServerList, iceServersRoute } from './ice-servers.ts';
import { otherMethods } from './signalling.ts';
import type { StageApi } from './stage-api.ts';
import type { StoreApi } from './store-api.ts';
import type { Tokens } from './tokens.ts';
import { traceRoute } from './trace.ts';

const sessionsRequest = z.strictObject({
  feed: feedName.nullable().default(null),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});
const linkRequest = z.strictObject({ to: pagePath.default('/') });

/** What scripts and pages ask outside the control socket. */
export async function api(
  scope: FastifyInstance,
  {
    stage,
    store,
    access,
    tokens,
    turn,
  }: { stage: StageApi; store: StoreApi; access: Access; tokens: Tokens; turn: IceServerList },
): Promise<void> {
  scope.addHook('onRequest', async (request, reply) => {
    access.check(request.headers);
    reply.header('cache-control', 'no-store');
  });

  scope.get('/feeds', async () => ({ feeds: stage.feeds(), looks: stage.looks(), dials: stage.dials() }));
  otherMethods(scope, '/feeds', ['GET', 'HEAD']);
  iceServersRoute(scope, turn);
  traceRoute(scope, stage);

  scope.get('/sessions', async (request) => {
    const parsed = sessionsRequest.safeParse(request.query);
    if (!parsed.success) throw new Problem('bad_request', `${parsed.error.issues[0]?.message}.`);
    return { sessions: await store.sessions(parsed.data.feed, parsed.data.limit) };
  });
  otherMethods(scope, '/sessions', ['GET', 'HEAD']);

  // Whoever is in may let the next tablet in, with a fresh link.
  scope.post('/links', { bodyLimit: 4096 }, async (request, reply) => {
    const parsed = linkRequest.safeParse(request.body ?? {});
    if (!parsed.success) throw new Problem('bad_request', `${parsed.error.issues[0]?.message}.`);
    return reply.code(201).send({ link: tokens.link(parsed.data.to) });
  });
  otherMethods(scope, '/links', ['POST']);

  scope.get('/control', async (_, reply) => {
    reply.header('upgrade', 'websocket');
    throw new Problem('upgrade_required');
  });
}
