import type { Socket } from 'node:net';
import type { CodedFrame } from '../frame/coded.ts';
import { Deframer, type FrameRole, frameHeader, messageBytes } from './framing.ts';

/** Bytes that may wait for a peer that does not read before the link is given up: about two seconds of a heavy feed. */
const MAX_WAITING = 16 * 1024 * 1024;

export interface LinkEvents<In> {
  frame(role: FrameRole, frame: CodedFrame): void;
  message(message: In): void;
  /** Called once. `reason` is null for an orderly end. */
  closed(reason: string | null): void;
}

/** One end of the channel. `Out` goes, `In` comes; what comes is parsed by `parse`, which throws on nonsense. */
export class Link<Out, In> {
  readonly #socket: Socket;
  readonly #events: LinkEvents<In>;
  #closed = false;

  constructor(socket: Socket, parse: (message: unknown) => In, events: LinkEvents<In>) {
    this.#socket = socket;
    this.#events = events;
    const deframer = new Deframer({
      frame: (role, frame) => events.frame(role, frame),
      message: (message) => events.message(parse(message)),
    });
    socket.on('data', (chunk: Buffer) => {
      if (this.#closed) return;
      try {
        deframer.push(chunk);
      } catch (error) {
        this.#end(error instanceof Error ? error.message : String(error));
      }
    });
    socket.on('error', (error) => this.#end(error.message));
    socket.on('close', () => this.#end(null));
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Sends a frame. The bytes must not change afterwards. */
  sendFrame(role: FrameRole, frame: CodedFrame): void {
    if (!this.#writable()) return;
    this.#socket.cork();
    this.#socket.write(frameHeader(role, frame));
    this.#socket.write(frame.bytes);
    this.#socket.uncork();
  }

  send(message: Out): void {
    if (this.#writable()) this.#socket.write(messageBytes(message));
  }

  close(): void {
    this.#end(null);
  }

  #writable(): boolean {
    if (this.#closed) return false;
    if (this.#socket.writableLength <= MAX_WAITING) return true;
    this.#end('The other side of the channel has stopped reading.');
    return false;
  }

  #end(reason: string | null): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.destroy();
    this.#events.closed(reason);
  }
}
