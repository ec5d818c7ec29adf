import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { Problem } from '../config/problem.ts';
import type { Log } from '../observe/log.ts';
import { type ClientMessage, clientMessage, type ServerMessage } from '../wire/messages.ts';
import { type Access, checkOrigin } from './access.ts';
import { asProblem, writeProblem } from './problems.ts';
import type { StageApi } from './stage-api.ts';

const MAX_PAYLOAD = 64 * 1024;
const MAX_BUFFERED = 1024 * 1024;
const MAX_CLIENTS = 64;
const MAX_MESSAGES_PER_SECOND = 100;
const PING_MS = 15_000;
const LIVE_TICK_MS = 450;

interface Client {
  socket: WebSocket;
  request: IncomingMessage;
  alive: boolean;
  messages: number;
}

interface ControlParts {
  server: Server;
  stage: StageApi;
  access: Access;
  log: Log;
}

/** The control socket, /api/control: tells every page of every change, answers clocks, takes settings. */
export function openControl({ server, stage, access, log }: ControlParts): { close(): void } {
  const clients = new Set<Client>();
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_PAYLOAD, perMessageDeflate: false });

  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    try {
      admit(request, access, clients.size);
    } catch (error) {
      writeProblem(socket, asProblem(error));
      return;
    }
    sockets.handleUpgrade(request, socket, head, (opened) => join(opened, request));
  };

  const join = (socket: WebSocket, request: IncomingMessage): void => {
    const client: Client = { socket, request, alive: true, messages: 0 };
    clients.add(client);
    socket.on('pong', () => {
      client.alive = true;
    });
    socket.on('message', (data, binary) => receive(client, data, binary));
    // ws closes the socket itself after an error (too large, not UTF-8, a bad frame).
    socket.on('error', (error) => log.debug({ err: error }, 'A control socket broke.'));
    socket.on('close', () => clients.delete(client));
    send(client, feedsMessage());
  };

  const receive = (client: Client, data: RawData, binary: boolean): void => {
    client.messages += 1;
    if (client.messages > MAX_MESSAGES_PER_SECOND) {
      client.socket.close(1008, 'too many messages');
      return;
    }
    try {
      act(client, parseMessage(data, binary));
    } catch (error) {
      const problem = asProblem(error);
      if (problem.code === 'internal') log.error({ err: error }, 'A control message failed inside.');
      send(
        client,
        JSON.stringify({ type: 'refused', code: problem.code, sentence: problem.message } satisfies ServerMessage),
      );
    }
  };

  const act = (client: Client, message: ClientMessage): void => {
    if (message.type === 'clock') {
      const clock = { type: 'clock', t0Ms: message.t0Ms, serverUs: stage.nowUs() } satisfies ServerMessage;
      send(client, JSON.stringify(clock));
      return;
    }
    const { feed, uncast, look } = message;
    stage.set(feed, { ...(uncast !== undefined && { uncast }), ...(look !== undefined && { look }) });
  };

  const feedsMessage = (): string =>
    JSON.stringify({ type: 'feeds', feeds: stage.feeds(), looks: stage.looks() } satisfies ServerMessage);

  const send = ({ socket }: Client, text: string): void => {
    if (socket.readyState !== socket.OPEN) return;
    // A client that does not read would grow this process: it may come back with a fresh socket.
    if (socket.bufferedAmount > MAX_BUFFERED) socket.terminate();
    else socket.send(text);
  };

  let toldMs = 0;
  const tell = (): void => {
    toldMs = performance.now();
    if (clients.size === 0) return;
    const text = feedsMessage();
    for (const client of clients) send(client, text);
  };

  const tick = (): void => {
    for (const client of clients) client.messages = 0;
    if (clients.size === 0 || performance.now() - toldMs < LIVE_TICK_MS - 10) return;
    if (stage.feeds().some((feed) => feed.state !== 'idle')) tell();
  };

  const ping = (): void => {
    for (const client of clients) {
      if (!client.alive || !stillIn(client, access)) client.socket.terminate();
      client.alive = false;
      if (client.socket.readyState === client.socket.OPEN) client.socket.ping();
    }
  };

  server.on('upgrade', upgrade);
  const unsubscribe = stage.onChange(tell);
  const timers = [setInterval(tick, LIVE_TICK_MS), setInterval(ping, PING_MS)];
  for (const timer of timers) timer.unref();
  let closed = false;

  return {
    close() {
      if (closed) return;
      closed = true;
      for (const timer of timers) clearInterval(timer);
      unsubscribe();
      server.off('upgrade', upgrade);
      for (const { socket } of clients) socket.close(1001, 'the server ends');
      for (const { socket } of clients) setTimeout(() => socket.terminate(), 500).unref();
      sockets.close();
    },
  };
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
