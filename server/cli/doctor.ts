import { parseArgs } from 'node:util';
import { loadConfig } from '../config/config.ts';
import { loadingOf } from '../double/loading.ts';
import type { EncoderTrial } from '../engine/encoder-trial.ts';
import { type Diagnosis, diagnose, type ModelState, type ProviderState } from '../inference/diagnosis.ts';
import { placesHere } from '../inference/placement.ts';
import { networks } from '../library/networks.ts';
import { inferenceOf } from '../stage/configured.ts';
import { runCommand } from './command.ts';
import { encoderText, tryEncoder } from './doctor-encoder.ts';
import { type Plan, planOf, planText } from './doctor-plan.ts';

const USAGE = `understudy doctor [options]

  --json          one JSON object instead of text
  --config FILE   the configuration whose inference keys are tried

Says what this machine has, what every network would run on and why, where the feeds' engines go and what the spare costs, and the
command that mends each gap.
`;

/** Exit code 0 when every network runs, on whatever; 1 when one does not. */
export async function doctor(args: string[]): Promise<number> {
  let sick = false;
  const code = await runCommand(args, USAGE, async () => {
    const { values } = parseArgs({ args, options: { json: { type: 'boolean' }, config: { type: 'string' } } });
    const config = loadConfig(values.config);
    const places = await placesHere(config.inference.device, config.inference.providers);
    const devices = places.map(({ index }) => index);
    const diagnosis = await diagnose(inferenceOf(config), networks(), loadingOf, devices);
    const onGpu = diagnosis.models.some(({ provider }) => provider !== null && provider !== 'cpu');
    const plan = await planOf(config, diagnosis.gpus, onGpu);
    // libwebrtc encodes by itself.
    const encodes = diagnosis.video.nvenc && config.media.engine === 'rtp';
    const encoder = encodes ? await tryEncoder(devices[0] ?? 0) : null;
    sick = diagnosis.models.some(({ provider }) => provider === null);
    process.stdout.write(
      values.json ? `${JSON.stringify({ ...diagnosis, encoder, plan })}\n` : `${asText(diagnosis, encoder, plan)}\n`,
    );
  });
  return code || Number(sick);
}

function asText(diagnosis: Diagnosis, encoder: EncoderTrial | null, plan: Plan): string {
  const { machine, gpus, noGpu, libraries, video, providers, models, engines, gaps } = diagnosis;
  const { cpu, cores, memGB, platform, node, onnxruntime } = machine;
  const missing = libraries.filter(({ found }) => !found);
  return [
    `Machine    ${cpu}, ${cores} cores, ${memGB} GB, ${platform}, Node ${node}, ONNX Runtime ${onnxruntime}`,
    ...gpus.map(
      (gpu) => `GPU ${gpu.index}      ${gpu.name}, ${gpu.memoryMb} MB, driver ${gpu.driver}, compute ${gpu.compute}`,
    ),
    ...(noGpu ? [`GPU        none: ${noGpu}`] : []),
    `Video      NVDEC ${video.nvdec ? 'there' : 'not there'}, NVENC ${video.nvenc ? 'there' : 'not there'}`,
    ...(encoder ? [`           ${encoderText(encoder)}`] : []),
    ...(libraries.length === 0 ? ['Libraries  ONNX Runtime has no CUDA build for this platform.'] : []),
    ...(missing.length > 0 ? [`Missing    ${missing.map(({ file }) => file).join(', ')}`] : []),
    '',
    'Providers, in the order in which they are tried:',
    ...providers.map(providerLine),
    '',
    'Networks:',
    ...models.map(modelLine),
    ...engines.built.map(
      ({ model, gpu, precision, agrees, why }) =>
        `  engine of ${model} for ${gpu}: ${precision} precision${agrees ? '' : `, not used: ${why}`}`,
    ),
    ...(engines.foreign > 0
      ? [
          `  ${engines.foreign} engines are of another GPU, driver or library: never read, build anew with \`understudy doubles build\``,
        ]
      : []),
    '',
    'Feeds of the configuration, when they open:',
    ...planText(plan),
    ...(gaps.length > 0 ? ['', 'To run networks on an NVIDIA GPU, in this order:'] : []),
    ...gaps.flatMap(({ why, command }) => [`  ${why}`, `      ${command}`]),
  ].join('\n');
}

const providerLine = ({ provider, asked, usable, reason, unproven }: ProviderState): string =>
  [
    `  ${provider.padEnd(9)}`,
    usable ? 'works' : 'no',
    ...(usable && unproven ? ['(unproven: Understudy has not been measured on this hardware)'] : []),
    ...(asked || !usable ? [] : ['(left out by inference.providers)']),
    ...(reason ? [reason] : []),
  ].join(' ');

const modelLine = ({ name, provider, ms, refusals }: ModelState): string =>
  `  ${name.padEnd(26)} ${provider ? `${provider}, ${ms} ms` : `does not run: ${refusals[0]?.reason}`}`;
