/** All parameters in one vector, and back. */
import { ArgumentError, ShapeError } from '../../errors';
import { noGrad, scope, Tensor, torch } from '../../tensor';

/** The elements of all parameters one after the other, [elements]; gradients flow through it. */
export function parametersToVector(parameters: Iterable<Tensor>): Tensor {
  const parts = listOf(parameters);
  if (parts.length === 0) throw new ShapeError('There are no parameters to make a vector of.');
  return torch.cat(parts.map((parameter) => parameter.reshape(-1)));
}

/** Copies the parts of a vector into parameters. @throws ShapeError unless it has as many elements as they have */
export function vectorToParameters(vector: Tensor, parameters: Iterable<Tensor>): void {
  const targets = listOf(parameters);
  if (!(vector instanceof Tensor)) throw new ArgumentError('The vector must be a tensor.');
  const wanted = targets.reduce((sum, { numel }) => sum + numel, 0);
  if (vector.ndim !== 1 || vector.numel !== wanted) {
    throw new ShapeError(`The vector must have shape [${wanted}], not [${vector.shape.join(', ')}].`);
  }
  scope(() =>
    noGrad(() => {
      let start = 0;
      for (const target of targets) {
        const size = target.numel;
        target.copy_(vector.narrow(0, start, size).reshape(target.shape));
        start += size;
      }
    }),
  );
}

function listOf(parameters: Iterable<Tensor>): Tensor[] {
  if (typeof parameters === 'object' && parameters !== null && Symbol.iterator in parameters) {
    const list = [...parameters];
    if (list.every((each) => each instanceof Tensor)) return list;
  }
  throw new ArgumentError('Parameters must be a list of tensors, such as model.parameters().');
}
