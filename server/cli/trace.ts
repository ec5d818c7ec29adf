import { parseArgs } from 'node:util';
import { PeerError, refusal } from '../media/peer/signal.ts';
import { type FrameTrace, frameTrace } from '../wire/trace.ts';
import { CommandError, runCommand, withToken } from './command.ts';

const USAGE = `understudy trace FEED [options]
  Follows the next program frame of a feed through every stage of the server.
  --server URL     default http://127.0.0.1:8880
  --token TOKEN    the API token (or in the environment: UNDERSTUDY_TOKEN)
  --json           prints the server's answer as it is
`;

/** A plain table: when each stage began and how long it took, in milliseconds from the camera's last packet. */
export function traceTable(trace: FrameTrace): string {
  const beganUs = trace.stages[0]?.beginUs ?? 0;
  const ms = (us: number): string => (us / 1000).toFixed(2).padStart(9);
  const rows = trace.stages.map(
    ({ stage, process, beginUs, endUs }) =>
      `${stage.padEnd(16)}${process.padEnd(8)}${ms(beginUs - beganUs)}${ms(endUs - beganUs)}${ms(endUs - beginUs)}`,
  );
  const kind = trace.key ? 'a key frame' : 'a frame';
  return [
    `Feed ${trace.feed}, ${kind} of ${trace.bytes} bytes, RTP time ${trace.rtpTs}; ${trace.missed} frames before it were missed.`,
    '',
    `${'stage'.padEnd(16)}${'process'.padEnd(8)}${'from ms'.padStart(9)}${'to ms'.padStart(9)}${'took ms'.padStart(9)}`,
    ...rows,
    '',
    `${(trace.totalUs / 1000).toFixed(2)} ms from the camera's last packet to the last packet out, ${trace.rendition} to ${trace.viewers} viewers.`,
    '',
  ].join('\n');
}

/** `understudy trace FEED`. Returns the exit code. */
export const trace = (args: string[]): Promise<number> =>
  runCommand(args, USAGE, async () => {
    const { values, positionals } = parseArgs({
      args: withToken(args),
      allowPositionals: true,
      options: {
        server: { type: 'string', default: 'http://127.0.0.1:8880' },
        token: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    });
    const [feed] = positionals;
    if (!feed) throw new CommandError(`Which feed? Name one.\n\n${USAGE}`);
    const token = values.token ?? process.env.UNDERSTUDY_TOKEN ?? '';
    const url = `${values.server.replace(/\/$/, '')}/api/feeds/${encodeURIComponent(feed)}/trace`;
    const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } }).catch(() => {
      throw new PeerError(`No server answers at ${values.server}: start it, or name it with --server.`);
    });
    if (!response.ok) throw await refusal(url, response);
    const found = frameTrace.parse(await response.json());
    process.stdout.write(values.json ? `${JSON.stringify(found)}\n` : traceTable(found));
  });
