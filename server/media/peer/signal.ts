/** WHIP and WHEP from the client's side: POST an offer, keep the session's address, DELETE it at the end. */

/** Where an offer was taken to, and how to end what it began. */
export interface Signalled {
  answer: string;
  /** Ends the session at the server. Never rejects. */
  end(): Promise<void>;
}

export type Signal = (offer: string) => Promise<Signalled>;

/** What went wrong, as a sentence for the person at the command line. */
export class PeerError extends Error {
  /** HTTP status, where the server answered. */
  readonly status: number | null;

  constructor(sentence: string, status: number | null = null) {
    super(sentence);
    this.name = 'PeerError';
    this.status = status;
  }
}

/** A refusal as the server says it. */
export async function refusal(url: string, response: Response): Promise<PeerError> {
  const body = await response.text();
  let said = '';
  try {
    const problem = JSON.parse(body) as { title?: unknown; detail?: unknown };
    said = [problem.title, problem.detail].filter((part) => typeof part === 'string').join(' ');
  } catch {
    // Not a problem document: the status alone has to do.
  }
  const common: Record<number, string> = {
    401: 'The token is missing or not valid (any more): take a fresh link from where the server was started.',
    404: 'There is no such feed: look at the list of feeds on the monitor page.',
    409: 'The feed is busy, or no camera is on it yet.',
  };
  const sentence = said || common[response.status] || `It answered with status ${response.status}.`;
  return new PeerError(`${url} refused: ${sentence}`, response.status);
}

async function post(url: string, headers: Record<string, string>, offer: string): Promise<Response> {
  try {
    return await fetch(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/sdp', accept: 'application/sdp, application/problem+json' },
      body: offer,
    });
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : '';
    throw new PeerError(`No server answers at ${url}${cause}: start it, or check the address.`);
  }
}

/** A server that will be ready in a moment says so with a short Retry-After: a little patience spares a person the second try. */
const SOON_SECONDS = 2;
const PATIENCE_MS = 20_000;

async function postSoon(url: string, headers: Record<string, string>, offer: string): Promise<Response> {
  const untilMs = performance.now() + PATIENCE_MS;
  for (;;) {
    const response = await post(url, headers, offer);
    const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
    if (response.status !== 503 || !(seconds <= SOON_SECONDS) || performance.now() > untilMs) return response;
    await response.body?.cancel();
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  }
}

/** Signalling over HTTP with a bearer token. */
export function httpSignal(url: string, token?: string): Signal {
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    throw new PeerError(`${url} is not an address: it looks like http://HOST:PORT/whip/FEED.`);
  const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
  return async (offer) => {
    const response = await postSoon(url, headers, offer);
    if (!response.ok) throw await refusal(url, response);
    const answer = await response.text();
    const location = response.headers.get('location');
    const session = location ? new URL(location, url) : null;
    return {
      answer,
      end: async () => {
        if (!session) return;
        await fetch(session, { method: 'DELETE', headers, signal: AbortSignal.timeout(2000) }).catch(() => null);
      },
    };
  };
}
