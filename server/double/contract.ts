import type { BoundTensor, Session } from '../inference/session.ts';

type Shapes<Name extends string> = Readonly<Record<Name, readonly number[]>>;

/**
 * The tensors of a look's network by name, once their shapes are what its kind asks for.
 * @throws Error with a sentence that names the folder, the tensor and what it should be.
 */
export function checkShapes<Input extends string, Output extends string>(
  session: Session,
  kind: string,
  dir: string,
  inputs: Shapes<Input>,
  outputs: Shapes<Output>,
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
