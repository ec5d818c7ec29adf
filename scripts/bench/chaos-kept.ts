/**
 * A connection kept up as our pages keep theirs (client/shared/link.ts, control.ts): tried again with growing pauses when it is lost, at
 * once when the control socket has come back and the picture has not, and at once when the server says that the feed has a camera.
 */
import { WebSocket } from 'ws';
import { type FeedInfo, serverMessage } from '../../server/wire/messages.ts';

const PAUSES_MS = [1000, 2000, 3000, 5000];
const CONTROL_PAUSES_MS = [250, 500, 500, 500, 1000, 1000, 2000, 3000];
const SETTLED_MS = 300;

export interface KeptOptions<Connection> {
  url: string;
  token: string;
  /** Opens a connection; `lost` is to be called when it ends by itself. */
  open(lost: () => void): Promise<Connection>;
  end(connection: Connection): Promise<void>;
  /** Whether pictures pass: then the control socket's return is no reason for a new connection. */
  alive(feed: FeedInfo | undefined): boolean;
  /** Whether there is anything to open: a monitor does not ask for a feed without a camera. */
  ready(feed: FeedInfo | undefined): boolean;
}

export class Kept<Connection> {
  /** Times that a connection ended by itself, and that one was opened. */
  lost = 0;
  opened = 0;
  connection: Connection | null = null;
  readonly #options: KeptOptions<Connection>;
  #run = 0;
  #failures = 0;
  #opening = false;
  #retry: NodeJS.Timeout | null = null;
  #socket: WebSocket | null = null;
  #socketFailures = 0;
  #seen = false;
  #feed: FeedInfo | undefined;
  #closed = false;

  constructor(options: KeptOptions<Connection>) {
    this.#options = options;
  }

  /** Opens, and rejects where the first attempt fails. */
  async begin(): Promise<void> {
    await this.#attempt(++this.#run);
    this.#control();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#run++;
    if (this.#retry) clearTimeout(this.#retry);
    this.#socket?.terminate();
    if (this.connection) await this.#options.end(this.connection);
  }

  async #attempt(run: number): Promise<void> {
    this.#opening = true;
    try {
      const connection = await this.#options.open(() => {
        if (run === this.#run) this.#lost();
      });
      if (run !== this.#run) {
        void this.#options.end(connection);
        return;
      }
      this.#failures = 0;
      this.opened++;
      this.connection = connection;
    } finally {
      if (run === this.#run) this.#opening = false;
    }
  }

  #lost(): void {
    this.lost++;
    this.connection = null;
    this.#wait();
  }

  #start(): void {
    if (this.#closed || this.#opening || this.connection) return;
    if (this.#retry) clearTimeout(this.#retry);
    this.#retry = null;
    const run = ++this.#run;
    this.#attempt(run).catch(() => {
      if (run === this.#run) this.#wait();
    });
  }

  #wait(): void {
    const pauseMs = PAUSES_MS[Math.min(this.#failures++, PAUSES_MS.length - 1)];
    if (this.#retry) clearTimeout(this.#retry);
    this.#retry = setTimeout(() => {
      if (this.#options.ready(this.#feed)) this.#start();
      else this.#wait();
    }, pauseMs);
  }

  #restart(): void {
    if (this.connection) void this.#options.end(this.connection);
    this.lost++;
    this.connection = null;
    this.#run++;
    this.#failures = 0;
    if (this.#options.ready(this.#feed)) this.#start();
    else this.#wait();
  }

  #control(): void {
    if (this.#closed) return;
    const { url, token, alive, ready } = this.#options;
    const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/api/control`, {
      headers: { authorization: `Bearer ${token}` },
    });
    this.#socket = socket;
    socket.on('open', () => {
      this.#socketFailures = 0;
      if (this.#seen) {
        setTimeout(() => {
          if (this.connection && !alive(this.#feed)) this.#restart();
        }, SETTLED_MS);
      }
      this.#seen = true;
    });
    socket.on('message', (data: Buffer) => {
      const parsed = serverMessage.safeParse(JSON.parse(data.toString('utf8')));
      if (!parsed.success || parsed.data.type !== 'feeds') return;
      const before = ready(this.#feed);
      this.#feed = parsed.data.feeds.find(({ name }) => name === 'bench');
      if (!before && ready(this.#feed)) this.#start();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      const pauseMs = CONTROL_PAUSES_MS[Math.min(this.#socketFailures++, CONTROL_PAUSES_MS.length - 1)];
      setTimeout(() => this.#control(), pauseMs);
    });
  }
}
