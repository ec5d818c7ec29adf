import { fileURLToPath } from 'node:url';
import * as av from 'node-av';
import { Decoder, Demuxer } from 'node-av/api';
import type { Probe } from '../double/adding.ts';
import { colourOf } from '../engine/colour-tags.ts';
import { Pictures } from '../engine/pictures.ts';
import { pack } from '../engine/planes.ts';
import { createPerceiver } from '../face/perceiver.ts';
import type { Arena } from '../frame/arena.ts';
import type { Kernels } from '../frame/kernels.ts';
import type { Runtime } from '../inference/session.ts';
import { CommandError } from './command.ts';

const MODELS = fileURLToPath(new URL('../../models/', import.meta.url));
const DEMO = fileURLToPath(new URL('../../models/demo/demo.mp4', import.meta.url));

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
