/** What PyTorch's Python adds to the operators: functions of `torch`, methods and properties of Tensor made of several. */
import type { CompositeFunctions } from '../generated/composites';
import { algebraComposites } from './algebra';
import { functionsOf, installMembers } from './composite';
import { conversionComposites } from './conversions';
import { setComposites } from './sets';
import { shapeComposites } from './shapes';
import { signalComposites } from './signals';

export { composite, functionsOf, type Composite } from './composite';
export { elementsOf } from './list';

export const composites = [
  ...shapeComposites,
  ...algebraComposites,
  ...setComposites,
  ...signalComposites,
  ...conversionComposites,
];

installMembers(composites);

/** Those that are functions of `torch`. */
export const compositeFunctions = functionsOf(composites, 'torch.') as unknown as CompositeFunctions;
