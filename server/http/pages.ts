import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { Problem } from '../config/problem.ts';
import type { Access } from './access.ts';

/** Addresses of the pages and the files that Vite builds for them. */
const PAGES = { '/': 'index.html', '/camera': 'camera.html', '/monitor': 'monitor.html', '/try': 'try.html' };

/** The built client: pages for those who are in; their scripts, styles and models hold no secret and need no session. */
export async function pages(
  scope: FastifyInstance,
  { clientDir, access }: { clientDir: string; access: Access },
): Promise<void> {
  await scope.register(fastifyStatic, {
    root: clientDir,
    index: false,
    dotfiles: 'ignore',
    cacheControl: false,
    suppressWarning: true,
    // A page has one address, and that one asks for the session.
    allowedPath: (path, _, request) => !path.endsWith('.html') || (request.routeOptions.url ?? '') in PAGES,
    setHeaders: (reply, path) => {
      // Vite puts a hash of its content into the name of everything under assets/.
      const forever = path.startsWith(join(clientDir, 'assets'));
      const others = path.endsWith('.html') ? 'no-store' : 'no-cache';
      reply.header('cache-control', forever ? 'public, max-age=31536000, immutable' : others);
    },
  });

  for (const [url, file] of Object.entries(PAGES)) {
    scope.get(url, async (request, reply) => {
      if (access.session(request.headers) === null) throw new Problem('token_wrong');
      if (!existsSync(join(clientDir, file))) throw new Problem('pages_missing');
      return reply.sendFile(file);
    });
  }
}
