/** Products of batches of matrices. */
import { composite, operator, type Dtype, type Tensor } from '../../tensor';

export const attention = [
  composite({
    signature:
      'groupedMm(Tensor matA, Tensor matB, *, Tensor? offs=None, Tensor? bias=None, ScalarType? outDtype=None) -> Tensor',
    doc: 'Products of groups of rows with a matrix each; `offs` says where each group ends.',
    run: (a: Tensor, b: Tensor, offs: Tensor | null, bias: Tensor | null, outDtype: Dtype | null) =>
      operator('aten::_grouped_mm')(a, b, { offs, bias, outDtype }),
  }),
];
