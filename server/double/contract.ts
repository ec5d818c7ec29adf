import { join } from 'node:path';
import type { BoundTensor, Session } from '../inference/session.ts';
import { checkHeld, type DoubleManifest, readHeldBeside, readManifest } from './manifest.ts';
import type { OpenOptions } from './open.ts';
import { readTemplate, type Template } from './template.ts';

type Shapes<Name extends string> = Readonly<Record<Name, readonly number[]>>;

/** The network of a kind of looks: its tensors by name with their shapes. */
export interface Contract<Input extends string, Output extends string> {
  kind: DoubleManifest['kind'];
  inputs: Shapes<Input>;
  outputs: Shapes<Output>;
}

/** A look's network, loaded, of the right kind and run once. Its opener owns `session`. */
export interface OpenNetwork<Name extends string> {
  manifest: DoubleManifest;
  template: Template;
  session: Session;
  tensors: Record<Name, BoundTensor>;
}

/**
 * Reads a look's folder, loads its network and runs it once, so that the first picture does not wait for what a first run allocates.
 * @throws Error with a sentence when a file is missing, damaged or not what it says it is; nothing stays open.
 */
export async function openNetwork<Input extends string, Output extends string>(
  { runtime, arena, dir }: OpenOptions,
  contract: Contract<Input, Output>,
): Promise<OpenNetwork<Input | Output>> {
  const manifest = readManifest(dir);
  const template = readTemplate(await readHeldBeside(dir, manifest.mesh), join(dir, manifest.mesh.file));
  await checkHeld(dir, manifest.model);
  const session = await runtime.load(join(dir, manifest.model.file), arena);
  try {
    const tensors = checkShapes(session, dir, contract);
    await session.run();
    return { manifest, template, session, tensors };
  } catch (error) {
    session.close();
    throw error;
  }
}

/** The tensors by name, once their shapes are what the kind asks for. @throws Error with a sentence. */
export function checkShapes<Input extends string, Output extends string>(
  session: Session,
  dir: string,
  { kind, inputs, outputs }: Contract<Input, Output>,
): Record<Input | Output, BoundTensor> {
  const found: Record<string, BoundTensor> = {};
  for (const [tensors, wanted] of [
    [session.inputs, inputs],
    [session.outputs, outputs],
  ] as const) {
    for (const [name, dims] of Object.entries<readonly number[]>(wanted)) {
      const tensor = tensors[name];
      if (tensor?.dims.join('×') !== dims.join('×')) {
        throw new Error(
          `The network of the double in ${dir} is not of kind ${kind}: it needs ${name} as ${dims.join('×')} and has ${tensor?.dims.join('×') ?? 'none'}. Import the double again.`,
        );
      }
      found[name] = tensor;
    }
  }
  return found as Record<Input | Output, BoundTensor>;
}
