import { WebSocket } from 'ws';
import { monotonicUs } from '../media/rtp/clock.ts';
import type { LtcFrame } from '../wire/ltc.ts';
import { serverMessage } from '../wire/messages.ts';

const TELL_MS = 200;
const PINGS = 5;

/** Tells the server's control socket which timecode was heard, on the server's clock. Owns its socket. */
export class TimecodeTeller {
  readonly #feed: string;
  readonly #socket: WebSocket;
  /** The server's clock minus this machine's, by the quickest answer so far; null before the first. */
  #offset: { us: number; roundTripUs: number } | null = null;
  #toldUs = 0;

  /** @param to the camera's WHIP address, which names server and feed */
  constructor(to: string, token: string | undefined) {
    const address = new URL(to);
    this.#feed = address.pathname.split('/').at(-1) ?? '';
    const headers = token ? { authorization: `Bearer ${token}` } : {};
    this.#socket = new WebSocket(new URL('/api/control', address.href.replace(/^http/, 'ws')), { headers });
    this.#socket.on('open', () => this.#ask());
    this.#socket.on('message', (data: Buffer) => this.#hear(data.toString('utf8')));
    // Pictures and sound go on without it; the feed then shows no timecode.
    this.#socket.on('error', () => undefined);
  }

  tell({ hours, minutes, seconds, frames, drop, rate, userBits }: LtcFrame, captureUs: number): void {
    if (!this.#offset || this.#socket.readyState !== WebSocket.OPEN) return;
    if (captureUs - this.#toldUs < TELL_MS * 1000) return;
    this.#toldUs = captureUs;
    this.#send({
      type: 'timecode',
      feed: this.#feed,
      code: { hours, minutes, seconds, frames, drop },
      rate,
      userBits: userBits.map((group) => group.toString(16)).join(''),
      captureUs: Math.round(captureUs + this.#offset.us),
    });
  }

  close(): void {
    this.#socket.close();
  }

  #ask(): void {
    for (let i = 0; i < PINGS; i++) this.#send({ type: 'clock', t0Ms: monotonicUs() / 1000 });
  }

  #hear(text: string): void {
    const parsed = serverMessage.safeParse(JSON.parse(text));
    if (!parsed.success || parsed.data.type !== 'clock') return;
    const { t0Ms, serverUs } = parsed.data;
    const nowUs = monotonicUs();
    const roundTripUs = nowUs - t0Ms * 1000;
    if (!this.#offset || roundTripUs < this.#offset.roundTripUs)
      this.#offset = { us: serverUs - (t0Ms * 1000 + nowUs) / 2, roundTripUs };
  }

  #send(message: object): void {
    this.#socket.send(JSON.stringify(message));
  }
}
