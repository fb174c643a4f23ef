/** Distinct elements. */
import { operatorNamed } from '../operator';
import { operatorFunctions as operators } from '../surface';
import type { Tensor } from '../tensor';
import { composite } from './composite';

const uniqueOfAll = operatorNamed('aten::_unique2', 'torch.unique');

type Unique = [output: Tensor, inverse: Tensor, counts: Tensor];

function asked([output, inverse, counts]: Unique, returnInverse: boolean, returnCounts: boolean): unknown {
  if (!returnInverse && !returnCounts) return output;
  return [output, ...(returnInverse ? [inverse] : []), ...(returnCounts ? [counts] : [])];
}

export const setComposites = [
  composite({
    signature: [
      'unique(Tensor input, bool sorted=True, *, true returnInverse, true returnCounts, int? dim=None) -> (Tensor output, Tensor inverse, Tensor counts)',
      'unique(Tensor input, bool sorted=True, *, true returnInverse, int? dim=None) -> (Tensor output, Tensor inverse)',
      'unique(Tensor input, bool sorted=True, *, true returnCounts, int? dim=None) -> (Tensor output, Tensor counts)',
      'unique(Tensor input, bool sorted=True, bool returnInverse=False, bool returnCounts=False, int? dim=None) -> Tensor',
    ],
    doc: 'The distinct elements (or slices along `dim`); asked for, where each input went, and how often each occurs.',
    as: 'both',
    run: (input: Tensor, sorted: boolean, returnInverse: boolean, returnCounts: boolean, dim: number | null) =>
      asked(
        dim === null
          ? (uniqueOfAll.call([input, sorted, returnInverse, returnCounts]) as Unique)
          : operators.uniqueDim(input, dim, sorted, returnInverse, returnCounts),
        returnInverse,
        returnCounts,
      ),
  }),
  composite({
    signature: [
      'uniqueConsecutive(Tensor input, *, true returnInverse, true returnCounts, int? dim=None) -> (Tensor output, Tensor inverse, Tensor counts)',
      'uniqueConsecutive(Tensor input, *, true returnInverse, int? dim=None) -> (Tensor output, Tensor inverse)',
      'uniqueConsecutive(Tensor input, *, true returnCounts, int? dim=None) -> (Tensor output, Tensor counts)',
      'uniqueConsecutive(Tensor input, bool returnInverse=False, bool returnCounts=False, int? dim=None) -> Tensor',
    ],
    doc: 'Leaves out what equals its neighbour before it; asked for, where each input went, and the lengths of the runs.',
    as: 'both',
    run: (input: Tensor, returnInverse: boolean, returnCounts: boolean, dim: number | null) =>
      asked(operators.uniqueConsecutive(input, returnInverse, returnCounts, dim), returnInverse, returnCounts),
  }),
];
