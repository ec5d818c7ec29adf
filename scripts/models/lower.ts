import { ATTENTION } from './lower-attention.ts';
import { BASIC } from './lower-basic.ts';
import { dim, Lowering } from './lowering.ts';
import { OnnxGraph } from './onnx-graph.ts';
import type { TfliteModel } from './tflite.ts';

/** Lowers every operator of a TFLite model with one picture as its input; the graph's input is `input`, NCHW. */
export function lower(model: TfliteModel, name: string): Lowering {
  const lowering = new Lowering(model, new OnnxGraph(name));
  const picture = model.inputs[0];
  if (picture === undefined || model.inputs.length !== 1) {
    throw new Error(`A model with one input was expected, this one has ${model.inputs.length}.`);
  }
  const shape = lowering.shape(picture);
  const nchw = [dim(shape, 0), dim(shape, 3), dim(shape, 1), dim(shape, 2)];
  lowering.set(picture, lowering.graph.input('input', nchw));
  for (const op of model.ops) {
    const lowerOp = BASIC[op.type] ?? ATTENTION[op.type];
    if (lowerOp === undefined) throw new Error(`The converter cannot lower TFLite operator ${op.type}.`);
    lowerOp(lowering, op);
  }
  return lowering;
}

/** The ONNX value that stands for the TFLite output of that name. */
export function outputNamed(model: TfliteModel, lowering: Lowering, name: string): string {
  const index = model.outputs.find((candidate) => lowering.tensor(candidate).name === name);
  if (index === undefined) throw new Error(`The model has no output ${name}.`);
  return lowering.value(index);
}
