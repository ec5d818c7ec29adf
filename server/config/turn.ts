import { z } from 'zod';

/** media.turn: STUN and TURN servers that clients may use on their way to this server. */

const visible = (name: string) =>
  z
    .string()
    .regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/, `a ${name} has 1 to 256 visible characters, none of them " or \\`);

/** RFC 7064 and RFC 7065, with an IPv6 address in brackets. */
const iceUrl = z
  .string()
  .max(256)
  .regex(
    /^(stuns?|turns?):(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?(\?transport=(udp|tcp))?$/,
    'write an address such as turn:turn.example.net:3478?transport=udp',
  );

export const turnServer = z
  .strictObject({
    urls: z.preprocess((value) => (typeof value === 'string' ? [value] : value), z.array(iceUrl).min(1).max(8)),
    username: visible('user name').nullable().default(null),
    credential: visible('credential').nullable().default(null),
    secret: visible('secret').nullable().default(null),
    hours: z.number().min(0.01).max(168).default(12),
  })
  .superRefine(({ urls, username, credential, secret }, context) => {
    const refuse = (message: string): void => context.addIssue({ code: 'custom', message });
    const pair = username !== null && credential !== null;
    if ((username === null) !== (credential === null)) refuse('username and credential belong together');
    if (pair && secret !== null) refuse('give either username and credential, or the secret');
    if (!pair && secret === null && urls.some((url) => url.startsWith('turn')))
      refuse('a TURN server wants a username and credential, or the secret that it shares with this server');
  });

export type TurnServer = z.infer<typeof turnServer>;
