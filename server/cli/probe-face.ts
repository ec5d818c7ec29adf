import { fileURLToPath } from 'node:url';
import * as av from 'node-av';
import { Decoder, Demuxer } from 'node-av/api';
import type { Probe } from '../double/adding.ts';
import { cutSquare } from '../double/square.ts';
import { alignTo } from '../double/templates.ts';
import { colourOf } from '../engine/colour-tags.ts';
import { Pictures } from '../engine/pictures.ts';
import { pack } from '../engine/planes.ts';
import { createPerceiver } from '../face/perceiver.ts';
import { Arena } from '../frame/arena.ts';
import { type Kernels, loadKernels } from '../frame/kernels.ts';
import type { FaceSquare } from '../inference/agreement.ts';
import { createRuntime } from '../inference/runtime.ts';
import type { Runtime } from '../inference/session.ts';
import { CommandError } from './command.ts';

const MODELS = fileURLToPath(new URL('../../models/', import.meta.url));
const MEMORY_MB = 128;
const DEMO = fileURLToPath(new URL('../../models/demo/demo.mp4', import.meta.url));

const SQUARE = 256;

/** The demo performer's face as networks see faces. */
export async function probeSquare(): Promise<FaceSquare> {
  const arena = new Arena(MEMORY_MB);
  const kernels = loadKernels(arena);
  const runtime = createRuntime();
  try {
    const { picture, landmarks } = await probeFace({ runtime, arena, kernels });
    const floats = 3 * SQUARE * SQUARE;
    const at = arena.allocate(4 * floats);
    cutSquare(kernels, picture, alignTo('ffhq_512', landmarks, SQUARE), SQUARE, at);
    return { size: SQUARE, planes: arena.floats(at, floats).slice() };
  } finally {
    runtime.close();
  }
}

/** The demo performer's first picture with their landmarks, in kernel memory. */
export async function probeFace(parts: { runtime: Runtime; arena: Arena; kernels: Kernels }): Promise<Probe> {
  await using input = await Demuxer.open(DEMO);
  const stream = input.video();
  if (!stream) throw new CommandError(`${DEMO} holds no video: restore it, for example with \`git checkout\`.`);
  using decoder = await Decoder.create(stream);
  for await (const frame of decoder.frames(input.packets(stream.index))) {
    const { data, linesize, width, height, format } = frame ?? {};
    if (!frame || !data || !linesize || !width || !height || format !== av.AV_PIX_FMT_YUV420P) continue;
    const id = { feed: 'probe', rtpTs: 0, captureUs: 0 };
    const picture = new Pictures(parts.arena).take(width, height, colourOf(frame), id);
    pack(data, linesize, picture.planes, width, height);
    frame.free();
    const perceiver = await createPerceiver({ ...parts, modelsDir: MODELS, maxFaces: 1 });
    try {
      const [face] = await perceiver.perceive(picture).complete;
      if (face?.landmarks) return { picture, landmarks: face.landmarks };
    } finally {
      perceiver.close();
    }
    break;
  }
  throw new CommandError(`No face was found in ${DEMO}: restore it, for example with \`git checkout\`.`);
}
