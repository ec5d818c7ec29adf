import { expect, test } from 'vitest';
import type { CodedFrame } from '../../server/frame/coded.ts';
import { UNKNOWN_COLOUR } from '../../server/frame/frame.ts';
import { FrameTracing } from '../../server/stage/frame-tracing.ts';

const FRAME: CodedFrame = {
  codec: 'h264',
  bytes: new Uint8Array(8),
  key: true,
  rtpTs: 3000,
  captureUs: 1,
  width: 320,
  height: 180,
  colour: UNKNOWN_COLOUR,
};
const nowUs = (): number => Math.round(Number(process.hrtime.bigint()) / 1000);

test('keeps the stages in order where the front was held up right after it handed the frame over', async () => {
  const tracing = new FrameTracing('a');
  const asked = tracing.next();
  let id = 0;
  let takenUs = 0;
  tracing.toEngine(FRAME, undefined, {
    send: (message) => {
      if (message.type === 'trace') id = message.id;
    },
    sendFrame: () => {
      takenUs = nowUs();
      // The engine works already; this process does not get on.
      while (nowUs() < takenUs + 3000);
    },
  });
  const stages = ['wait', 'decode', 'encode'].map((stage, i) => ({
    stage,
    beginUs: takenUs + 500 * i,
    endUs: takenUs + 500 * (i + 1),
  }));
  tracing.heard({ type: 'traced', id, outcome: 'sent', stages });
  tracing.fromEngine('program', FRAME, () => 1);
  const trace = await asked;
  expect(trace.stages.map(({ stage }) => stage)).toEqual([
    'assemble',
    'hand to engine',
    'to engine',
    'wait',
    'decode',
    'encode',
    'to front',
    'send',
  ]);
  for (const [i, { beginUs, endUs, stage }] of trace.stages.entries()) {
    expect(endUs, stage).toBeGreaterThanOrEqual(beginUs);
    expect(beginUs, stage).toBeGreaterThanOrEqual(trace.stages[i - 1]?.endUs ?? beginUs);
  }
  tracing.close();
});
