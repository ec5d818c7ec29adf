import { readFileSync } from 'node:fs';
import type { Server, ServerOptions } from 'node:http';
import { createSecureContext } from 'node:tls';
import cookie from '@fastify/cookie';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyServerOptions,
  LogController,
} from 'fastify';
import { type Config, ConfigError, isLoopback } from '../config/config.ts';
import { Problem } from '../config/problem.ts';
import type { Log } from '../observe/log.ts';
import type { Reports } from '../observe/reports.ts';
import { createAccess } from './access.ts';
import { api } from './api.ts';
import { Control } from './control.ts';
import { enter } from './enter.ts';
import { health } from './health.ts';
import { createIceServers } from './ice-servers.ts';
import { IceSessions } from './ice-sessions.ts';
import { createMetrics } from './metrics.ts';
import { metricsRoute } from './metrics-route.ts';
import { PAGE_STYLE_HASH } from './page.ts';
import { pages } from './pages.ts';
import { asProblem, clientErrorHandler, errorHandler, sendProblem, shouldUpgradeCallback } from './problems.ts';
import type { StageApi } from './stage-api.ts';
import type { StoreApi } from './store-api.ts';
import type { Tokens } from './tokens.ts';
import { Turns } from './turns.ts';
import { whep } from './whep.ts';
import { whip } from './whip.ts';

export interface AppParts {
  stage: StageApi;
  store: StoreApi;
  config: Config;
  /** Folder of the built pages (absolute); it may be missing: then the pages say so. */
  clientDir: string;
  log: Log;
  /** Where failures inside are told; the caller closes it after the app. */
  reports: Reports;
  tokens: Tokens;
}

/** Programs on this machine, tests and benches among them, ask more often than people do. */
const LOOPBACK_FACTOR = 10;

/** Everything the server says over HTTP and WebSocket. The caller owns it: `app.close()` ends every connection and timer. */
export async function createApp({
  stage,
  store,
  config,
  clientDir,
  log,
  reports,
  tokens,
}: AppParts): Promise<FastifyInstance> {
  const app = Fastify(serverOptions(config, log, reports));
  await app.register(cookie, { hook: false });
  const access = createAccess(config, tokens, app);
  const fail = errorHandler(reports);
  const metrics = createMetrics(stage, { store, controlSockets: () => control.size, reports });

  app.setErrorHandler(async (error, request, reply) => {
    metrics.refused(asProblem(error).code);
    await fail(error, request, reply);
  });
  const turns = new Turns();
  app.addHook('onRequest', () => turns.take());
  app.addHook('onRequest', async (request) => access.checkHost(request.headers));
  await app.register(helmet, headers(config));
  await limitRequests(app, config);
  app.setNotFoundHandler(async (request, reply) => {
    metrics.refused('not_found');
    await sendProblem(request, reply, new Problem('not_found'));
  });
  app.addHook('onResponse', async ({ method, routeOptions }, reply) => {
    // The route's pattern, never the address: an address can hold a one-time token.
    metrics.answered(method, routeOptions.url, reply.statusCode);
    log.debug(
      { method, route: routeOptions.url, status: reply.statusCode, ms: Math.round(reply.elapsedTime) },
      'answered',
    );
  });

  await app.register(health, { stage, store });
  await app.register(metricsRoute, { metrics, access });
  await app.register(enter, { tokens, access });
  await app.register(pages, { clientDir, access });
  const turn = createIceServers(config.media.turn);
  await app.register(api, { prefix: '/api', stage, store, access, tokens, turn });
  const ice = new IceSessions({ compatible: config.media.signalling === 'compatible', lenient: metrics.lenient });
  await app.register(whip, { prefix: '/whip', stage, access, ice, turn });
  await app.register(whep, { prefix: '/whep', stage, access, ice, turn });

  // Node would answer an odd Expect header by itself, past every rule of this app; RFC 9110 lets a server overlook it.
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response));
  const control = new Control({ server: app.server, stage, access, log, reports, refused: metrics.refused });
  app.addHook('preClose', async () => {
    control.close();
    metrics.close();
  });
  return app;
}

/**
 * Opens the port. Answers the address that this machine's pages use. Throws `ConfigError` with a sentence where the port or the
 * address cannot be had.
 */
export async function listen(app: FastifyInstance, config: Config): Promise<string> {
  const { host, port } = config.server;
  try {
    await app.listen({ host, port });
  } catch (error) {
    throw new ConfigError(listenSentence(error as NodeJS.ErrnoException, host, port));
  }
  const bound = app.server.address();
  const shown = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `${config.server.tls ? 'https' : 'http'}://${shown}:${typeof bound === 'object' && bound ? bound.port : port}`;
}

function listenSentence(error: NodeJS.ErrnoException, host: string, port: number): string {
  switch (error.code ?? '') {
    case 'EADDRINUSE':
      return `Port ${port} is taken by another program: stop it or start with --port N.`;
    case 'EACCES':
      return `Port ${port} may not be opened by this user: choose one above 1023 with --port N.`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `This machine has no address ${host}: set server.host to one of its own, or to 127.0.0.1.`;
    default:
      return `Port ${port} on ${host} could not be opened: ${error.message}.`;
  }
}

function serverOptions(config: Config, log: Log, reports: Reports): FastifyServerOptions {
  const http: ServerOptions = { shouldUpgradeCallback };
  const options: FastifyServerOptions = {
    // Of Fastify's own lines only warnings: where the server listens is the caller's to say.
    loggerInstance: log.child({}, { level: log.isLevelEnabled('warn') ? 'warn' : log.level }) as FastifyBaseLogger,
    // Fastify's own lines would hold addresses, and so tokens.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: 64 * 1024,
    requestTimeout: 20_000,
    forceCloseConnections: true,
    clientErrorHandler,
    frameworkErrors: (error, request, reply) => void errorHandler(reports)(error, request, reply),
    routerOptions: { ignoreTrailingSlash: true },
  };
  const { tls } = config.server;
  if (!tls) return { ...options, http } as FastifyServerOptions<Server>;
  return { ...options, https: { ...http, ...keyPair(tls) } } as FastifyServerOptions<Server>;
}

/** The certificate and key of server.tls. Throws `ConfigError` with a sentence where they cannot be read or used. */
function keyPair({ cert, key }: { cert: string; key: string }): { cert: Buffer; key: Buffer } {
  const read = (file: string): Buffer => {
    try {
      return readFileSync(file);
    } catch {
      throw new ConfigError(`${file} cannot be read: server.tls names a certificate and its key, both PEM files.`);
    }
  };
  const pair = { cert: read(cert), key: read(key) };
  try {
    createSecureContext(pair);
  } catch {
    throw new ConfigError(`${cert} and ${key} are not a certificate and its key: server.tls takes both as PEM files.`);
  }
  return pair;
}

/** Content rules for our pages: own scripts and WebAssembly (MediaPipe), own sockets, camera and received pictures, no frames. */
function headers(config: Config) {
  const https = config.server.tls !== null;
  return {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        scriptSrc: ["'self'", "'wasm-unsafe-eval'", 'blob:'],
        workerSrc: ["'self'", 'blob:'],
        connectSrc: ["'self'", 'blob:', 'data:'],
        imgSrc: ["'self'", 'blob:', 'data:'],
        mediaSrc: ["'self'", 'blob:', 'mediastream:'],
        styleSrc: ["'self'", PAGE_STYLE_HASH],
        fontSrc: ["'self'", 'data:'],
        objectSrc: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
      },
    },
    // Only where HTTPS is really served: browsers would remember it for the host and lock plain HTTP out.
    strictTransportSecurity: https ? { maxAge: 86_400, includeSubDomains: false } : false,
    referrerPolicy: { policy: 'no-referrer' as const },
  };
}

/** Counts every request of an address, wrong tokens and unknown pages included. */
async function limitRequests(app: FastifyInstance, config: Config): Promise<void> {
  await app.register(rateLimit, {
    global: false,
    timeWindow: 60_000,
    max: (request) => config.server.requestsPerMinute * (isLoopback(request.ip) ? LOOPBACK_FACTOR : 1),
    errorResponseBuilder: (_, { ttl }) => new Problem('too_many', undefined, Math.ceil(ttl / 1000)),
  });
  app.addHook('onRequest', async (request) => {
    // One that has hung up in the middle of its request has no address any more to be counted under.
    if ((request.ip as string | undefined) === undefined) throw new Problem('bad_request', 'The client has gone.');
  });
  app.addHook('onRequest', app.rateLimit());
}
