import { type DestinationStream, type Logger, pino } from 'pino';
import pretty from 'pino-pretty';

export type Log = Logger;

/** What never reaches a log, at the top of an entry or one and two levels down. */
const SECRET_KEYS = [
  ...['authorization', 'cookie', 'set-cookie', 'token', 'apiToken', 'sdp', 'offer', 'answer'],
  ...['password', 'secret', 'credential', 'username', 'pwd', 'ufrag'],
];
/** What a library's error may quote, in a message or a stack: tokens in headers and addresses, cookies, ICE's credentials. */
const SECRET_TEXT =
  /(Bearer +|\b(?:access_)?token=|understudy_\d+=|ice-pwd:|ice-ufrag:|"(?:credential|secret|token)\\?":\\?")[^\s"&;\\]+/gi;
const path = (key: string): string => (key.includes('-') ? `["${key}"]` : `.${key}`);
const REDACTED = SECRET_KEYS.flatMap((key) => [path(key).replace(/^\./, ''), `*${path(key)}`, `*.*${path(key)}`]);

export interface LogOptions {
  level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';
  pretty: boolean | 'auto';
  /** Which process or room speaks: front, engine a-cam … */
  name?: string;
  /** Where lines go; standard error when left out, because standard output belongs to commands that answer in JSON. */
  to?: DestinationStream;
}

/** What waits for a log that is not read; further lines are dropped. */
const MAX_WAITING_BYTES = 1024 * 1024;

/**
 * Standard error, written behind the process's back: a disk that stalls, or a reader that has stopped, must not hold up a picture. What
 * still waits is written when the process ends in order.
 */
const patient = (): DestinationStream => pino.destination({ fd: 2, sync: false, maxLength: MAX_WAITING_BYTES });

/**
 * A process's log. Secrets are redacted by key, and by their look in whatever text a line holds; a message itself must hold neither a
 * token nor a person's name.
 */
export function createLog(options: LogOptions): Log {
  const lines = options.pretty === 'auto' ? process.stderr.isTTY : options.pretty;
  const destination = options.to ?? patient();
  const settings = {
    level: options.level,
    base: options.name === undefined ? null : { name: options.name },
    redact: { paths: REDACTED, censor: '[redacted]' },
    timestamp: pino.stdTimeFunctions.isoTime,
    hooks: { streamWrite: (line: string) => line.replace(SECRET_TEXT, '$1[redacted]') },
  };
  if (!lines) return pino(settings, destination);
  const forPeople = pretty({
    colorize: process.stderr.isTTY,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'name',
    messageFormat: options.name === undefined ? false : '{name}: {msg}',
    destination: options.to ?? 2,
    sync: true,
  });
  return pino(settings, forPeople);
}
