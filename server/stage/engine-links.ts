import { randomBytes, timingSafeEqual } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { Link } from '../channel/link.ts';
import { type FromEngine, fromEngine, type ToEngine } from '../channel/messages.ts';
import type { CodedFrame } from '../frame/coded.ts';
import type { RenditionName } from '../wire/messages.ts';

export type EngineLink = Link<ToEngine, FromEngine>;

/** What comes from one engine process. */
export interface EngineEvents {
  connected(link: EngineLink): void;
  frame(rendition: RenditionName, frame: CodedFrame): void;
  message(message: FromEngine): void;
  /** `reason`: what broke, null for an orderly end and for a process that has died. */
  lost(reason: string | null): void;
}

/** An engine that connects must say who it is within this time. */
const HELLO_MS = 5000;

interface Expected {
  key: string;
  events: EngineEvents;
  link: EngineLink | null;
}

/**
 * The front's end of the channel: engines connect here, prove themselves with the key they were started with, and are handed to who
 * expects them. A socket in a directory that only this user can enter.
 */
export class EngineLinks {
  readonly #server: Server;
  readonly #expected = new Map<string, Expected>();
  readonly #strangers = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => this.#accept(socket));
  }

  /** @param path a socket path in this server's own directory (on Windows a named pipe). */
  static async listen(path: string): Promise<EngineLinks> {
    // A front that was killed leaves its socket behind; nobody but the server's one front ever listens here.
    if (process.platform !== 'win32') await rm(path, { force: true });
    const server = createServer();
    const links = new EngineLinks(server);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, () => resolve());
    });
    return links;
  }

  /** Expects one engine process. Returns the key that it must be started with. */
  expect(events: EngineEvents): string {
    const key = randomBytes(24).toString('base64url');
    this.#expected.set(key, { key, events, link: null });
    return key;
  }

  /** Closes the link of an engine and expects it no more. It hears of no loss. */
  forget(key: string): void {
    const entry = this.#expected.get(key);
    this.#expected.delete(key);
    const link = entry?.link;
    if (entry) entry.link = null;
    link?.close();
  }

  close(): void {
    for (const key of [...this.#expected.keys()]) this.forget(key);
    for (const socket of this.#strangers) socket.destroy();
    this.#server.close();
  }

  #accept(socket: Socket): void {
    this.#strangers.add(socket);
    const timer = setTimeout(() => socket.destroy(), HELLO_MS);
    let entry: Expected | undefined;
    const link: EngineLink = new Link<ToEngine, FromEngine>(socket, (message) => fromEngine.parse(message), {
      frame: (role, frame) => {
        if (entry && role !== 'ingest') entry.events.frame(role, frame);
      },
      message: (message) => {
        if (entry) {
          entry.events.message(message);
          return;
        }
        clearTimeout(timer);
        entry = message.type === 'hello' ? this.#claim(message.key) : undefined;
        if (!entry) {
          link.close();
          return;
        }
        this.#strangers.delete(socket);
        entry.link?.close();
        entry.link = link;
        entry.events.connected(link);
      },
      closed: (reason) => {
        clearTimeout(timer);
        this.#strangers.delete(socket);
        if (entry?.link !== link) return;
        entry.link = null;
        entry.events.lost(reason);
      },
    });
  }

  #claim(key: string): Expected | undefined {
    const given = Buffer.from(key);
    return [...this.#expected.values()].find((entry) => {
      const wanted = Buffer.from(entry.key);
      return given.length === wanted.length && timingSafeEqual(given, wanted);
    });
  }
}
