import { z } from 'zod';

const problemBody = z.object({
  title: z.string().optional(),
  detail: z.string().optional(),
  code: z.string().optional(),
});

/** The server said no. `message` is a sentence for the person at the page. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  /** The server's own wish, or null. */
  readonly retryAfterMs: number | null;

  constructor(status: number, code: string, sentence: string, retryAfterMs: number | null) {
    super(sentence);
    this.name = 'Refusal';
    this.status = status;
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }

  /** Asking again cannot help: the link itself is not accepted. */
  get final(): boolean {
    return this.status === 401 || this.status === 403;
  }
}

/** Reads an error response (RFC 9457 problem details, or anything else) into a Refusal. */
export async function refusal(response: Response): Promise<Refusal> {
  const retryAfter = Number(response.headers.get('retry-after'));
  const retryAfterMs = retryAfter > 0 ? retryAfter * 1000 : null;
  const body = problemBody.safeParse(await response.json().catch(() => null));
  const title = body.success ? body.data.title : undefined;
  const detail = body.success ? body.data.detail : undefined;
  const sentence = [title, detail === title ? undefined : detail].filter(Boolean).join(' ');
  const code = (body.success && body.data.code) || String(response.status);
  return new Refusal(
    response.status,
    code,
    sentence || `The server answered ${response.status} ${response.statusText}: try again, or look at its log.`,
    retryAfterMs,
  );
}

/** Any failure as one sentence. A fetch that never reached the server throws a TypeError with a browser's own words. */
export function sentenceOf(error: unknown): string {
  if (error instanceof TypeError)
    return 'The server does not answer: is it running, and is this device on its network?';
  return error instanceof Error ? error.message : String(error);
}
