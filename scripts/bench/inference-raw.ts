import { readFileSync } from 'node:fs';
import type { Arena } from '../../server/frame/arena.ts';
import { type Handle, ortLibrary } from '../../server/inference/ort-library.ts';
import { GPU_DEFAULTS } from '../../server/inference/providers.ts';
import { sessionOptions } from '../../server/inference/session-options.ts';
import { closed, describe, reserve, tensorValue } from '../../server/inference/tensors.ts';

const LOG_FATAL_ONLY = 4;

/** The bare library call, synchronous, with nothing of ours around it: what a session of ours is measured against. */
export function openRaw(file: string, arena: Arena): { run(): void; close(): void } {
  const ort = ortLibrary();
  const { calls } = ort;
  const environment = ort.out((at) => calls.CreateEnv(LOG_FATAL_ONLY, 'raw', at));
  const options = sessionOptions(ort, 'cpu', GPU_DEFAULTS, 1);
  const model = readFileSync(file);
  const session = ort.out((at) => calls.CreateSessionFromArray(environment, model, model.byteLength, options, at));
  const memory = ort.out((at) => calls.CreateCpuMemoryInfo(0, 0, at));
  const runOptions = ort.out((at) => calls.CreateRunOptions(at));
  const binding = ort.out((at) => calls.CreateIoBinding(session, at));
  const held: { value: Handle; at: number; bytes: number }[] = [];
  const bind = (kind: 'Input' | 'Output'): void => {
    for (const shape of describe(ort, session, kind, file)) {
      const tensor = reserve(arena, closed(shape, file));
      tensor.data.fill(0.5);
      const value = tensorValue(ort, memory, tensor);
      held.push({ value, at: tensor.at, bytes: tensor.data.byteLength });
      ort.check((kind === 'Input' ? calls.BindInput : calls.BindOutput)(binding, tensor.name, value));
    }
  };
  bind('Input');
  bind('Output');
  return {
    run: () => ort.check(calls.RunWithBinding(session, runOptions, binding)),
    close() {
      ort.release('ReleaseIoBinding', binding);
      for (const { value, at, bytes } of held) {
        ort.release('ReleaseValue', value);
        arena.release(at, bytes);
      }
      ort.release('ReleaseRunOptions', runOptions);
      ort.release('ReleaseMemoryInfo', memory);
      ort.release('ReleaseSession', session);
      ort.release('ReleaseSessionOptions', options);
      ort.release('ReleaseEnv', environment);
    },
  };
}
