import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { PROBLEMS, Problem, type ProblemCode } from '../config/problem.ts';
import type { Reports } from '../observe/reports.ts';
import { sentencePage } from './page.ts';

const MEDIA_TYPE = 'application/problem+json; charset=utf-8';

/** What a client does well to wait before it tries again, where the refusal does not say. */
const RETRY_AFTER_SECONDS: Partial<Record<ProblemCode, number>> = {
  engine_down: 1,
  full: 10,
  feed_idle: 2,
  feed_busy: 2,
};

interface ProblemBody {
  type: string;
  title: string;
  status: number;
  detail?: string;
  code: ProblemCode;
}

/** RFC 9457 problem details. `type` points at the code's line in the error table. */
function problemBody(problem: Problem): ProblemBody {
  const { code, status, detail } = problem;
  return { type: `urn:understudy:problem:${code}`, title: PROBLEMS[code][1], status, ...(detail && { detail }), code };
}

const retryAfter = (problem: Problem): number | undefined =>
  problem.retryAfterSeconds ?? RETRY_AFTER_SECONDS[problem.code];

const BY_FASTIFY_CODE: Record<string, ProblemCode> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'media_type_wrong',
  FST_ERR_CTP_BODY_TOO_LARGE: 'sdp_too_large',
};
const BY_STATUS: Record<number, ProblemCode> = {
  404: 'not_found',
  405: 'method_refused',
  413: 'body_too_large',
  415: 'media_type_wrong',
  429: 'too_many',
};

/** Any error as a refusal from the table: what the client did stays 4xx, anything else is `internal` without its inner words. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const { code = '', statusCode = 500 } = error instanceof Error ? (error as Partial<FastifyError>) : {};
  const known = BY_FASTIFY_CODE[code] ?? BY_STATUS[statusCode];
  if (known) return new Problem(known);
  return new Problem(statusCode >= 400 && statusCode < 500 ? 'bad_request' : 'internal');
}

/** Whether a person's browser asks for a page: it gets the sentence as one. */
const wantsPage = (request: FastifyRequest): boolean =>
  ['GET', 'HEAD'].includes(request.method) && (request.headers.accept ?? '').includes('text/html');

const PAGE_TITLES: Partial<Record<ProblemCode, string>> = {
  token_wrong: 'You need a fresh link',
  not_found: 'Nothing here',
  pages_missing: 'Not built yet',
  too_many: 'One moment',
};

/** Sends a refusal: a page to a browser that asked for one, problem+json to everything else. */
export async function sendProblem(request: FastifyRequest, reply: FastifyReply, problem: Problem): Promise<void> {
  const seconds = retryAfter(problem);
  if (seconds !== undefined) reply.header('retry-after', String(seconds));
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer realm="understudy"');
  reply.code(problem.status).header('cache-control', 'no-store');
  if (wantsPage(request)) {
    const title = PAGE_TITLES[problem.code] ?? 'That did not work';
    await reply.type('text/html; charset=utf-8').send(sentencePage({ title, sentence: problem.message }));
    return;
  }
  await reply.header('content-type', MEDIA_TYPE).send(JSON.stringify(problemBody(problem)));
}

/** Fastify's error handler: answers with a refusal from the table and logs what the client cannot be blamed for. */
export function errorHandler(reports: Pick<Reports, 'error'>) {
  return async (error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const problem = asProblem(error);
    if (problem.code === 'internal') {
      const { method } = request;
      const route = request.routeOptions.url;
      reports.error(`${method} ${route}`, 'A request failed inside.', { err: error, method, route });
    }
    await sendProblem(request, reply, problem);
  };
}

/** Writes a refusal straight onto a socket: for upgrades and for bytes that are not HTTP. Ends the connection. */
export function writeProblem(socket: Duplex, problem: Problem): void {
  const body = JSON.stringify(problemBody(problem));
  const seconds = retryAfter(problem);
  const lines = [
    `HTTP/1.1 ${problem.status} Refused`,
    `content-type: ${MEDIA_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
    ...(seconds === undefined ? [] : [`retry-after: ${seconds}`]),
  ];
  // The peer may be gone: nobody is left to tell.
  socket.on('error', () => socket.destroy());
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}

/**
 * Bytes that are not HTTP, or too slow, or headers without end. Where an answer has gone out on this connection already, it is only hung
 * up: Node may tell of a broken body after the request was answered, and a second answer would be taken for the next request's.
 */
export function clientErrorHandler(error: NodeJS.ErrnoException, socket: Duplex): void {
  const answered = ((socket as Partial<Socket>).bytesWritten ?? 0) > 0;
  if (error.code === 'ECONNRESET' || !socket.writable || answered) socket.destroy(error);
  else writeProblem(socket, new Problem('bad_request'));
}

/** Only a request that asks for WebSocket leaves HTTP; curl's polite `Upgrade: h2c` is answered as plain HTTP. */
export const shouldUpgradeCallback = (request: IncomingMessage): boolean =>
  request.headers.upgrade?.toLowerCase() === 'websocket';
