import { fileURLToPath } from 'node:url';
import { fitPose, type RigidPoint, rotate } from '../../server/double/pose.ts';
import type { Affine } from '../../server/face/crop.ts';
import type { Pyramid } from '../../server/face/pyramid.ts';
import type { Arena } from '../../server/frame/arena.ts';
import type { BoundTensor, Runtime, Session } from '../../server/inference/session.ts';
import { readFaceMesh } from '../models/read-face-mesh.ts';
import { type Expression, expressionOf } from './face-signals.ts';

/** What the network reads, in the order of its answer; gaze is read as expressionOf reads it. */
export const RULED = ['mouthOpen', 'blink', 'smile', 'brow'] as const satisfies readonly (keyof Expression)[];

/** Pixels across the picture that the network is given, and how many canonical units (about centimetres) that is: brows to an open mouth's chin. */
export const SIDE = 128;
const SPAN = 18;
/** The middle of it on the canonical head: below the eyes, as far forward as the cheeks. */
const MIDDLE = [0, 1.5, -4] as const;

const mesh = readFaceMesh();
/** x to image right, y down, z away from the camera, as the landmarks are. */
const CANONICAL = Float32Array.from(mesh.positions.flatMap(([x, y, z]) => [x, -y, -z]));
const RIGID: readonly RigidPoint[] = mesh.rigid;

/**
 * Where the ruler looks: the face upright and always as large, by points that do not move with the expression. SIDE² pixels → picture pixels.
 * @param points 478 × (x, y, z), picture pixels.
 */
export function lookedAt(points: Float32Array): Affine {
  const { rotation, scale, translation } = fitPose(CANONICAL, points, RIGID);
  const [x, y] = rotate(rotation, ...MIDDLE);
  const roll = Math.atan2(rotation[3]!, rotation[0]!);
  const k = (scale * SPAN) / SIDE;
  const [cos, sin] = [k * Math.cos(roll), k * Math.sin(roll)];
  const half = (SIDE - 1) / 2;
  const [cx, cy] = [translation[0] + scale * x, translation[1] + scale * y];
  return [cos, -sin, cx - (cos - sin) * half, sin, cos, cy - (sin + cos) * half];
}

/**
 * Reads an expression off a face's pixels, up to an offset and a factor that each person has of their own: a small network that was taught
 * the rig of rendered people of the training seeds. The same for every face: neither the doubles nor the performances that are measured
 * were among them. server/docs/decisions/expression-ruler.md says what was compared; scripts/training/train_ruler.py trains it.
 */
export class ExpressionRuler {
  readonly #session: Session;
  readonly #face: BoundTensor;
  readonly #read: BoundTensor;

  static async open({ runtime, arena }: { runtime: Runtime; arena: Arena }): Promise<ExpressionRuler> {
    const file = fileURLToPath(new URL('./expression-ruler.onnx', import.meta.url));
    return new ExpressionRuler(await runtime.load(file, arena));
  }

  private constructor(session: Session) {
    this.#session = session;
    const { face } = session.inputs;
    const { expression } = session.outputs;
    if (face?.dims[2] !== SIDE || expression?.data.length !== RULED.length)
      throw new Error(
        'The expression ruler reads other faces or signals: build it again with scripts/eval/build-ruler.ts.',
      );
    this.#face = face;
    this.#read = expression;
  }

  /** @param picture as FaceReader.looked; it must not change until this settles. @param points 478 × (x, y, z), its pixels. */
  async read(picture: Pick<Pyramid, 'cut'>, points: Float32Array): Promise<Expression> {
    picture.cut(lookedAt(points), SIDE, this.#face.at, 1 / 255, 0);
    await this.#session.run();
    const { data } = this.#read;
    return { ...expressionOf(points), ...Object.fromEntries(RULED.map((signal, i) => [signal, data[i]!])) };
  }

  close(): void {
    this.#session.close();
  }
}
