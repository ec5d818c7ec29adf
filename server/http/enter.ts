import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { Problem } from '../config/problem.ts';
import type { Access } from './access.ts';
import { sentencePage } from './page.ts';
import type { Tokens } from './tokens.ts';

/** The pages that a link may lead to, with a query such as ?feed=a-cam: never to another server. */
export const pagePath = z
  .string()
  .regex(/^\/(camera|monitor|try)?(\?[\w.~%&=+-]{0,256})?$/, 'a link leads to one of our pages');

const query = z.object({ token: z.string().min(1).max(512).optional(), to: pagePath.catch('/') });

/** /enter: spends a one-time link for a session cookie. */
export async function enter(
  scope: FastifyInstance,
  { tokens, access }: { tokens: Tokens; access: Access },
): Promise<void> {
  scope.get('/enter', { exposeHeadRoute: false }, async (request, reply) => {
    const parsed = query.safeParse(request.query);
    if (!parsed.success) throw new Problem('token_wrong');
    const { token, to } = parsed.data;
    const entered = token === undefined ? null : tokens.redeem(token);
    // Whoever is in already may open an old link again: a reload, a bookmark.
    if (!entered && access.session(request.headers) === null) throw new Problem('token_wrong');
    if (entered) reply.header('set-cookie', access.setCookie(entered.session, entered.maxAgeSeconds));
    reply.header('cache-control', 'no-store').header('referrer-policy', 'no-referrer');
    // A browser that came from a page of another site (a chat, a mail) does not send a strict cookie along a redirect:
    // there, a page of ours moves on.
    const site = request.headers['sec-fetch-site'];
    if (site === 'none' || site === 'same-origin') return reply.redirect(to, 303);
    return reply
      .type('text/html; charset=utf-8')
      .send(sentencePage({ title: 'You are in', sentence: 'The page opens by itself.', next: to }));
  });
}
