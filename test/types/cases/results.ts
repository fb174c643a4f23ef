/** What is known of operators' results. */
import { torch, type Dtype, type Tensor } from '../../../lib';
import { expectType } from './expect';

declare const x: Tensor<'float32', 2>;
declare const y: Tensor<'float32', 1>;
declare const batches: Tensor<'float32', 3>;
declare const ints: Tensor<'int64', 2>;
declare const mask: Tensor<'bool', 2>;
declare const waves: Tensor<'complex64', 1>;
declare const flag: boolean;

// conversions
expectType<Tensor<'float64', 2>>()(x.to('float64'));
expectType<Tensor<'float32', 2>>()(x.to('cuda'));
expectType<Tensor<'int64', 2>>()(x.to(ints));
expectType<Tensor<'int8', 2>>()(x.to({ dtype: 'int8', copy: true }));
expectType<Tensor<'float32', 2>>()(x.to({ device: 'cuda:1' }));
expectType<Tensor<'float64', 2>>()(x.double());
expectType<Tensor<'float32', 2>>()(ints.float());
expectType<Tensor<'int64', 2>>()(x.long());
expectType<Tensor<'bool', 2>>()(x.bool());
expectType<Tensor<'float32', 2>>()(x.cpu());
expectType<Tensor<'float32', 2>>()(x.detach());
expectType<Tensor<'float32', 2> | null>()(x.grad);

// element by element
expectType<Tensor<'float32', 2>>()(x.exp());
expectType<Tensor<'float32', 2>>()(ints.exp());
expectType<Tensor<'float32', 2>>()(torch.relu(x));
expectType<Tensor<'int64', 2>>()(ints.neg());
expectType<Tensor<'float32', 1>>()(waves.abs());
expectType<Tensor<'float32', 2>>()(x.add(1));
expectType<Tensor<Dtype, 2>>()(x.add({ re: 0, im: 1 }));
expectType<Tensor<'int64' | 'float32', 2>>()(ints.mul(2));
expectType<Tensor<'float32', 2>>()(ints.div(2));
expectType<Tensor<'float32', 2>>()(x.add(y));
expectType<Tensor<'float32', 3>>()(torch.mul(x, batches));
expectType<Tensor<Dtype, 2>>()(x.add(ints));
expectType<Tensor<'bool', 2>>()(x.gt(0));
expectType<Tensor<'bool', 3>>()(torch.eq(x, batches));
expectType<Tensor<'bool', 2>>()(x.isnan());
expectType<Tensor<'bool', 2>>()(mask.logicalAnd(mask));
expectType<Tensor<'float32', 2>>()(x.maskedFill(mask, 0));
expectType<Tensor<'float32', 2>>()(x.softmax(-1));
expectType<Tensor<'float64', 2>>()(x.softmax(-1, { dtype: 'float64' }));

// in place
expectType<Tensor<'float32', 2>>()(x.add_(1).relu_());

// reductions
expectType<Tensor<'float32', 0>>()(x.sum());
expectType<Tensor<'int64', 0>>()(mask.sum());
expectType<Tensor<'float32', 1>>()(x.sum(1));
expectType<Tensor<'float32', 2>>()(x.sum(1, true));
expectType<Tensor<'float32', 2>>()(x.sum({ dim: -1, keepdim: true }));
expectType<Tensor<'float32', 1>>()(batches.mean([0, 2]));
expectType<Tensor<'float32', 0>>()(batches.mean());
expectType<Tensor<'float64', 1>>()(torch.sum(x, 0, { dtype: 'float64' }));
expectType<Tensor<'float32', 1 | 2>>()(x.sum(1, flag));
expectType<Tensor<'float32', 0>>()(x.max());
const [values, places] = x.max(1);
expectType<Tensor<'float32', 1>>()(values);
expectType<Tensor<'int64', 1>>()(places);
expectType<Tensor<'float32', 2>>()(torch.max(x, y));
expectType<Tensor<'int64', 0>>()(x.argmax());
expectType<Tensor<'int64', 1>>()(x.argmax(-1));
expectType<Tensor<'int64', 2>>()(x.argmax({ dim: 0, keepdim: true }));
expectType<Tensor<'bool', 0>>()(mask.any());
expectType<Tensor<'int64', 2>>()(x.sort(0)[1]);
expectType<Tensor<'int64', 2>>()(x.cumsum(0).long());

// shapes
expectType<Tensor<'float32', 3>>()(x.view([2, 3, -1]));
expectType<Tensor<'float32', 2>>()(batches.reshape(4, -1));
expectType<Tensor<'int32', 2>>()(x.view('int32'));
expectType<Tensor<'float32', 3>>()(x.unsqueeze(0));
expectType<Tensor<'float32', 1>>()(x.flatten());
expectType<Tensor<'float32', number>>()(batches.flatten(1));
expectType<Tensor<'float32', 2>>()(x.t());
expectType<Tensor<'float32', 2>>()(x.T);
expectType<Tensor<'float32', 1>>()(waves.imag);
expectType<Tensor<'float32', 3>>()(batches.permute(2, 0, 1));
expectType<Tensor<'float32', 3>>()(batches.transpose(0, 1).contiguous());
expectType<Tensor<'float32', 1>>()(x.select(0, 1));
expectType<Tensor<'float32', 3>>()(torch.stack([x, x]));
expectType<Tensor<'float32', 2>>()(torch.cat([x, x], 1));
expectType<Tensor<'float32', 1>[]>()(x.unbind(0));
expectType<Tensor<'float32', 2>[]>()(x.chunk(2));
expectType<Tensor<'float32', 4>>()(x.expand([1, 1, 2, 3]));

// products
expectType<Tensor<'float32', 2>>()(x.matmul(x));
expectType<Tensor<'float32', 1>>()(x.matmul(y));
expectType<Tensor<'float32', 0>>()(torch.matmul(y, y));
expectType<Tensor<'float32', 3>>()(batches.matmul(x));
expectType<Tensor<'float32', 3>>()(batches.bmm(batches));
