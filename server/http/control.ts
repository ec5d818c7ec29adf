import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { Problem, type ProblemCode } from '../config/problem.ts';
import type { Log } from '../observe/log.ts';
import type { Reports } from '../observe/reports.ts';
import { type ClientMessage, clientMessage, type ServerMessage } from '../wire/messages.ts';
import { type Access, checkOrigin } from './access.ts';
import { asProblem, writeProblem } from './problems.ts';
import type { StageApi } from './stage-api.ts';

const MAX_PAYLOAD = 64 * 1024;
const MAX_BUFFERED = 1024 * 1024;
const MAX_CLIENTS = 64;
const MAX_MESSAGES_PER_TICK = 100;
const PING_MS = 15_000;
const TICK_MS = 450;
/** What a page has to answer the closing of its socket. */
const GOODBYE_MS = 500;

interface Client {
  socket: WebSocket;
  request: IncomingMessage;
  alive: boolean;
  messages: number;
  /** Ends what it follows. */
  unfollow: (() => void) | null;
}

interface ControlParts {
  server: Server;
  stage: StageApi;
  access: Access;
  log: Log;
  reports: Pick<Reports, 'error'>;
  /** Told of every upgrade that is refused. */
  refused(code: ProblemCode): void;
}

/** The control socket, /api/control: tells every page of every change, answers clocks, takes settings. */
export class Control {
  readonly #parts: ControlParts;
  readonly #clients = new Set<Client>();
  readonly #sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_PAYLOAD, perMessageDeflate: false });
  readonly #unsubscribe: () => void;
  readonly #timers: NodeJS.Timeout[];
  #toldMs = 0;
  #closed = false;

  constructor(parts: ControlParts) {
    this.#parts = parts;
    parts.server.on('upgrade', this.#upgrade);
    this.#unsubscribe = parts.stage.onChange(() => this.#tell());
    this.#timers = [setInterval(() => this.#tick(), TICK_MS), setInterval(() => this.#ping(), PING_MS)];
    for (const timer of this.#timers) timer.unref();
  }

  /** Pages that listen now. */
  get size(): number {
    return this.#clients.size;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const timer of this.#timers) clearInterval(timer);
    this.#unsubscribe();
    this.#parts.server.off('upgrade', this.#upgrade);
    for (const { socket } of this.#clients) {
      socket.close(1001, 'the server ends');
      setTimeout(() => socket.terminate(), GOODBYE_MS).unref();
    }
    this.#sockets.close();
  }

  readonly #upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    try {
      admit(request, this.#parts.access, this.#clients.size);
    } catch (error) {
      const problem = asProblem(error);
      this.#parts.refused(problem.code);
      writeProblem(socket, problem);
      return;
    }
    this.#sockets.handleUpgrade(request, socket, head, (opened) => this.#join(opened, request));
  };

  #join(socket: WebSocket, request: IncomingMessage): void {
    const client: Client = { socket, request, alive: true, messages: 0, unfollow: null };
    this.#clients.add(client);
    socket.on('pong', () => {
      client.alive = true;
    });
    socket.on('message', (data, binary) => this.#receive(client, data, binary));
    // ws closes the socket itself after an error (too large, not UTF-8, a bad frame).
    socket.on('error', (error) => this.#parts.log.debug({ err: error }, 'A control socket broke.'));
    socket.on('close', () => {
      this.#clients.delete(client);
      client.unfollow?.();
    });
    send(client, this.#feeds());
  }

  #receive(client: Client, data: RawData, binary: boolean): void {
    client.messages += 1;
    if (client.messages > MAX_MESSAGES_PER_TICK) {
      client.socket.close(1008, 'too many messages');
      return;
    }
    try {
      this.#act(client, parseMessage(data, binary));
    } catch (error) {
      const { code, message } = asProblem(error);
      if (code === 'internal') this.#parts.reports.error('control', 'A control message failed inside.', { err: error });
      send(client, { type: 'refused', code, sentence: message });
    }
  }

  #act(client: Client, message: ClientMessage): void {
    const { stage } = this.#parts;
    if (message.type === 'clock') {
      send(client, { type: 'clock', t0Ms: message.t0Ms, serverUs: stage.nowUs() });
      return;
    }
    if (message.type === 'timecode') {
      const { feed, code, rate, userBits, captureUs } = message;
      stage.timecode(feed, { code, rate, userBits, captureUs });
      return;
    }
    if (message.type === 'follow') {
      this.#follow(client, message.feed);
      return;
    }
    if (message.type !== 'feed') {
      stage.cast(message);
      return;
    }
    const { feed, uncast, look, age } = message;
    stage.set(feed, {
      ...(uncast !== undefined && { uncast }),
      ...(look !== undefined && { look }),
      ...(age !== undefined && { age }),
    });
  }

  #follow(client: Client, feed: string | null): void {
    client.unfollow?.();
    client.unfollow = null;
    if (feed === null) return;
    client.unfollow = this.#parts.stage.follow(feed, (faces) =>
      send(client, { type: 'faces', feed, faces: [...faces] }),
    );
  }

  #feeds(): ServerMessage {
    const { stage } = this.#parts;
    return { type: 'feeds', feeds: stage.feeds(), looks: stage.looks(), dials: stage.dials() };
  }

  #tell(): void {
    this.#toldMs = performance.now();
    if (this.#clients.size === 0) return;
    const text = JSON.stringify(this.#feeds());
    for (const client of this.#clients) sendText(client, text);
  }

  /** Tells again where nothing changed for a while: numbers of a live feed that stand still are stale. */
  #tick(): void {
    for (const client of this.#clients) client.messages = 0;
    if (this.#clients.size === 0 || performance.now() - this.#toldMs < TICK_MS - 10) return;
    if (this.#parts.stage.feeds().some((feed) => feed.state !== 'idle')) this.#tell();
  }

  #ping(): void {
    for (const client of this.#clients) {
      if (!client.alive || !stillIn(client, this.#parts.access)) client.socket.terminate();
      client.alive = false;
      if (client.socket.readyState === client.socket.OPEN) client.socket.ping();
    }
  }
}

const send = (client: Client, message: ServerMessage): void => sendText(client, JSON.stringify(message));

function sendText({ socket }: Client, text: string): void {
  if (socket.readyState !== socket.OPEN) return;
  // A client that does not read would grow this process: it may come back with a fresh socket.
  if (socket.bufferedAmount > MAX_BUFFERED) socket.terminate();
  else socket.send(text);
}

/** Refuses an upgrade that may not become a control socket: address, Host, token, Origin, count. */
function admit(request: IncomingMessage, access: Access, clients: number): void {
  access.checkHost(request.headers);
  if (request.url?.split('?')[0] !== '/api/control') throw new Problem('not_found');
  access.check(request.headers);
  checkOrigin(request.headers);
  if (clients >= MAX_CLIENTS) throw new Problem('full');
}

/** Whether a client's session still holds: it ends with its cookie's hours. */
function stillIn({ request }: Client, access: Access): boolean {
  try {
    access.check(request.headers);
    return true;
  } catch {
    return false;
  }
}

function parseMessage(data: RawData, binary: boolean): ClientMessage {
  if (binary) throw new Problem('bad_request', 'Messages are JSON text.');
  let value: unknown;
  try {
    value = JSON.parse(textOf(data));
  } catch {
    throw new Problem('bad_request', 'The message is not JSON.');
  }
  const parsed = clientMessage.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Problem('bad_request', `${issue?.path.map(String).join('.') || 'The message'}: ${issue?.message}.`);
}

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString('utf8');
  return (Buffer.isBuffer(data) ? data : Buffer.from(data)).toString('utf8');
}
