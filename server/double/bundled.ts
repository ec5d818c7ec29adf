import type { BoundTensor, Session } from '../inference/session.ts';

/** The tensors by name of a network of ours. @param file under models/. @throws Error with a sentence where it is not the one that this version was made with. */
export function bundledTensors<Name extends string>(
  { inputs, outputs }: Session,
  file: string,
  shapes: Readonly<Record<Name, readonly number[]>>,
): Record<Name, BoundTensor> {
  const all = { ...inputs, ...outputs };
  for (const [name, dims] of Object.entries<readonly number[]>(shapes)) {
    if (all[name]?.dims.join('×') === dims.join('×')) continue;
    throw new Error(
      `The network models/${file} is not of this version: restore it, for example with \`git checkout\`.`,
    );
  }
  return all as Record<Name, BoundTensor>;
}
