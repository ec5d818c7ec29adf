import { EventEmitter, once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ClientOptions, WebSocket } from 'ws';
import { type ConfigInput, loadConfig } from '../../server/config/config.ts';
import { Problem } from '../../server/config/problem.ts';
import { createApp } from '../../server/http/app.ts';
import type { IceSession } from '../../server/http/ice-sessions.ts';
import type { FeedMeasures, StageApi } from '../../server/http/stage-api.ts';
import type { StoreApi } from '../../server/http/store-api.ts';
import { createTokens } from '../../server/http/tokens.ts';
import type { IceCredentials } from '../../server/media/port.ts';
import { createLog } from '../../server/observe/log.ts';
import { createReports } from '../../server/observe/reports.ts';
import {
  type CastingOrder,
  type FaceInfo,
  type FeedInfo,
  RENDITIONS,
  type RenditionName,
  type ServerMessage,
  serverMessage,
} from '../../server/wire/messages.ts';
import type { SessionRecord } from '../../server/wire/sessions.ts';
import { feedInfo } from '../fixtures/feed-info.ts';

export const API_TOKEN = 'a-token-for-tests-0123456789';
export const AUTHORIZED = { authorization: `Bearer ${API_TOKEN}` };
export const OFFER = [
  'v=0',
  'o=- 1 2 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'm=video 9 UDP/TLS/RTP/SAVPF 96',
  'c=IN IP4 0.0.0.0',
  'a=rtpmap:96 H264/90000',
  '',
].join('\r\n');

export function feedMeasures(info: FeedInfo, change: Partial<FeedMeasures> = {}): FeedMeasures {
  const none = { viewers: 0, encoding: false, fps: 0, packets: 0, nacks: 0, keyRequests: 0, skipped: 0 };
  return {
    info,
    engine: 'ready',
    engineRssBytes: null,
    engineGpu: null,
    engineLosses: 0,
    engineHangs: 0,
    camera: { packets: 0, lost: 0, nacks: 0, keyRequests: 0 },
    sound: { packets: 0, lost: 0 },
    pictures: { decoded: 0, encoded: 0, skipped: 0, undecodable: 0 },
    renditions: RENDITIONS.map((key) => ({ ...key, ...none, sessions: [] })),
    ...change,
  };
}

/** A FAKE stage with a FAKE store: no pictures, no peers, no disk; it keeps what HTTP asked of it and answers what the test laid down. */
export function fakeStage() {
  const changes = new EventEmitter();
  const sessions = new Map<string, string>();
  const handles = new Map<string, IceSession>();
  const sets: { feed: string; change: object }[] = [];
  const orders: CastingOrder[] = [];
  const fake = {
    infos: [feedInfo('demo')],
    measures: null as FeedMeasures[] | null,
    missing: [] as string[],
    spare: null as ReturnType<StageApi['spare']>,
    sets,
    orders,
    sessions,
    /** Thrown by the next publish or watch. */
    refuse: null as Error | null,
    /** Awaited by the next publish or watch. */
    hold: null as Promise<void> | null,
    /** Thrown by the next restart. */
    refuseRestart: null as Error | null,
    /** Whether it makes offers of its own, and the answers that it got. */
    invites: false,
    answered: [] as string[],
    trickled: [] as string[],
    restarted: [] as IceCredentials[],
    watched: [] as string[],
    /** What viewers get instead of what they asked for. */
    given: null as RenditionName | null,
    ended: [] as string[],
    clockUs: 1000,
    storeState: 'ok' as ReturnType<StoreApi['state']>,
    storeCounts: { stored: 0, waiting: 0, lost: 0 },
    kept: [] as SessionRecord[],
    changed: () => changes.emit('change'),
    /** Where a feed's faces are, to all who follow it. */
    faces: (feed: string, faces: readonly FaceInfo[]) => changes.emit(`faces ${feed}`, faces),
    followers: (feed: string) => changes.listenerCount(`faces ${feed}`),
    listeners: () => changes.listenerCount('change'),
  };
  const open = async (feed: string) => {
    const { refuse, hold } = fake;
    fake.refuse = null;
    fake.hold = null;
    await hold;
    if (refuse) throw refuse;
    const session = `s${sessions.size}-${Math.random().toString(36).slice(2)}`;
    sessions.set(session, feed);
    handles.set(session, {
      trickle: (candidates) => void fake.trickled.push(...candidates),
      async restart(client) {
        const refused = fake.refuseRestart;
        fake.refuseRestart = null;
        if (refused) throw refused;
        fake.restarted.push(client);
        return {
          ufrag: 'ours',
          pwd: 'our-password-of-24-bytes',
          candidates: ['candidate:1 1 udp 2130706431 127.0.0.1 5000 typ host'],
        };
      },
    });
    return { session, answer: 'v=0\r\nan answer of the fake\r\n' };
  };
  const accept = (answer: string): void => {
    if (answer.includes('m=video 0 ')) throw new Problem('sdp_unusable');
    fake.answered.push(answer);
  };
  const stage: StageApi = {
    spare: () => fake.spare,
    publish: async (feed) => open(feed),
    timecode: (feed, heard) => void sets.push({ feed, change: heard }),
    publishSound: async (feed) => open(`${feed}`),
    watch: async (feed, rendition, offer) => {
      if (offer === null && !fake.invites) throw new Problem('sdp_unusable');
      fake.watched.push(`${feed}/${rendition}`);
      const made = await open(feed);
      if (offer === null) Object.assign(handles.get(made.session) ?? {}, { accept });
      return { ...made, rendition: fake.given ?? rendition };
    },
    session: (feed, session) => (sessions.get(session) === feed ? (handles.get(session) ?? null) : null),
    end(feed, session) {
      fake.ended.push(session);
      return sessions.get(session) === feed && sessions.delete(session);
    },
    feeds: () => fake.infos,
    measures: () => fake.measures ?? fake.infos.map((info) => feedMeasures(info)),
    missing: () => fake.missing,
    trace: async () => {
      throw new Problem('no_frame');
    },
    looks: () => ['mara', 'joris'],
    dials: () => ['retouch'],
    cast: (order) => void orders.push(order),
    set(feed, change) {
      if (!fake.infos.some((info) => info.name === feed)) throw new Problem('feed_unknown');
      sets.push({ feed, change });
    },
    follow(feed, listener) {
      if (!fake.infos.some((info) => info.name === feed)) throw new Problem('feed_unknown');
      changes.on(`faces ${feed}`, listener);
      return () => void changes.off(`faces ${feed}`, listener);
    },
    onChange(listener) {
      changes.on('change', listener);
      return () => void changes.off('change', listener);
    },
    nowUs: () => fake.clockUs++,
  };
  const store: StoreApi = {
    state: () => fake.storeState,
    counts: () => fake.storeCounts,
    sessions: async (feed, limit) => {
      if (fake.storeState !== 'ok') throw new Problem('store_down');
      return fake.kept.filter((session) => feed === null || session.feed === feed).slice(0, limit);
    },
  };
  return Object.assign(fake, { stage, store });
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

interface Ask {
  method?: string;
  headers?: OutgoingHttpHeaders;
  body?: string | Buffer;
}

/** Sends one request with exactly these headers (fetch would refuse to send some). */
export function ask(port: number, path: string, { method = 'GET', headers = {}, body }: Ask = {}): Promise<Answer> {
  // Node frames no body of DELETE or OPTIONS by itself: the server would take it for the next request.
  const framed =
    body === undefined || 'transfer-encoding' in headers ? {} : { 'content-length': Buffer.byteLength(body) };
  const sent = { ...headers, ...framed };
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({ host: '127.0.0.1', port, path, method, headers: sent, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(chunks).toString('utf8'),
        }),
      );
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

export interface TestServer {
  port: number;
  fake: ReturnType<typeof fakeStage>;
  tokens: ReturnType<typeof createTokens>;
  /** What the server logged, one JSON object a line. */
  logged: string[];
  ask(path: string, ask?: Ask): Promise<Answer>;
  /** A session cookie, as a browser gets it from a one-time link. */
  cookie(): Promise<string>;
  close(): Promise<void>;
}

/** The real app on a real port of this machine, over a fake stage. */
export async function startServer(overrides: ConfigInput = {}, nowMs: () => number = Date.now): Promise<TestServer> {
  const config = loadConfig(undefined, { ...overrides, server: { port: 0, ...overrides.server } });
  const fake = fakeStage();
  const tokens = createTokens({ apiToken: API_TOKEN, life: config.auth, nowMs });
  const folder = mkdtempSync(join(tmpdir(), 'understudy-http-'));
  mkdirSync(join(folder, 'assets'));
  for (const page of ['index', 'camera', 'monitor']) writeFileSync(join(folder, `${page}.html`), `<p>${page}</p>`);
  writeFileSync(join(folder, 'assets', 'page-a1b2c3.js'), 'export {};');
  writeFileSync(join(folder, 'model.task'), 'x');
  const logged: string[] = [];
  const log = createLog({ level: 'debug', pretty: false, to: { write: (line) => void logged.push(line) } });
  const reports = createReports(log);
  const app = await createApp({
    stage: fake.stage,
    store: fake.store,
    config,
    clientDir: folder,
    log,
    reports,
    tokens,
  });
  await app.listen({ host: config.server.host, port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const send = (path: string, options?: Ask) => ask(port, path, options);
  return {
    port,
    fake,
    tokens,
    logged,
    ask: send,
    async cookie() {
      const entered = await send(tokens.link('/monitor'));
      return entered.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
    },
    async close() {
      await app.close();
      reports.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A control socket that keeps every message until somebody asks for the next of its type. */
export async function openSocket(port: number, headers: Record<string, string>, options: ClientOptions = {}) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/api/control`, { ...options, headers });
  const kept: ServerMessage[] = [];
  const arrived = new EventEmitter();
  socket.on('message', (data: Buffer) => {
    kept.push(serverMessage.parse(JSON.parse(data.toString('utf8'))));
    arrived.emit('message');
  });
  await once(socket, 'open');
  async function next<T extends ServerMessage['type']>(type: T): Promise<Extract<ServerMessage, { type: T }>> {
    for (;;) {
      const at = kept.findIndex((message) => message.type === type);
      if (at >= 0) return kept.splice(at, 1)[0] as Extract<ServerMessage, { type: T }>;
      await once(arrived, 'message');
    }
  }
  return { socket, next, send: (message: unknown) => socket.send(JSON.stringify(message)) };
}

/** Tries to open a control socket; answers the status and body of the refusal (101 when it opened). */
export async function trySocket(port: number, headers: Record<string, string>, path = '/api/control'): Promise<Answer> {
  const asked = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', ...headers };
  const key = { 'sec-websocket-key': Buffer.alloc(16).toString('base64') };
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({ host: '127.0.0.1', port, path, headers: { ...asked, ...key }, agent: false });
    outgoing.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text: '' });
    });
    outgoing.on('response', (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString('utf8');
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}
