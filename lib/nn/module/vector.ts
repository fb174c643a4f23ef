/** All parameters in one vector, and back. */
import { ShapeError } from '../../errors';
import { noGrad, scope, torch, type Tensor } from '../../tensor';

/** The elements of all parameters one after the other, [elements]; gradients flow through it. */
export function parametersToVector(parameters: Iterable<Tensor>): Tensor {
  const parts = [...parameters];
  if (parts.length === 0) throw new ShapeError('There are no parameters to make a vector of.');
  return torch.cat(parts.map((parameter) => parameter.reshape(-1)));
}

/** Copies the parts of a vector into parameters. @throws ShapeError unless it has as many elements as they have */
export function vectorToParameters(vector: Tensor, parameters: Iterable<Tensor>): void {
  const targets = [...parameters];
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
