/** What is known of a tensor where it is made. */
import { torch, type Dtype, type Tensor } from '../../../lib';
import { expectType } from './expect';

declare const shape: number[];
declare const dtype: Dtype;

// sizes
expectType<Tensor<'float32', 2>>()(torch.zeros([2, 3]));
expectType<Tensor<'float32', 0>>()(torch.ones([]));
expectType<Tensor<'float32', 1>>()(torch.rand(5));
expectType<Tensor<'float32', 3>>()(torch.empty(2, 3, 4));
expectType<Tensor<'float32', number>>()(torch.randn(shape));

// dtypes
expectType<Tensor<'int64', 2>>()(torch.zeros([2, 3], { dtype: 'int64' }));
expectType<Tensor<'bool', 2>>()(torch.ones(2, 3, { dtype: 'bool', device: 'cpu' }));
expectType<Tensor<'float32', 1>>()(torch.zeros([2], { requiresGrad: true }));
expectType<Tensor<Dtype, 1>>()(torch.zeros([2], { dtype }));
expectType<Tensor<'int64', 2>>()(torch.randint(10, [2, 2]));
expectType<Tensor<'float16', 1>>()(torch.full([2], 0.5, { dtype: 'float16' }));
expectType<Tensor<Dtype, 1>>()(torch.full([2], 7));
expectType<Tensor<'int64' | 'float32', 1>>()(torch.arange(4));
expectType<Tensor<'float64', 1>>()(torch.linspace(0, 1, 5, { dtype: 'float64' }));
expectType<Tensor<'float32', 2>>()(torch.eye(3));
expectType<Tensor<'int64', 1>>()(torch.randperm(3));

// like another
const x = torch.zeros([2, 3], { dtype: 'float64' });
expectType<Tensor<'float64', 2>>()(torch.zerosLike(x));
expectType<Tensor<'bool', 2>>()(torch.onesLike(x, { dtype: 'bool' }));
expectType<Tensor<'float64', 1>>()(x.newZeros([4]));
expectType<Tensor<'int32', 0>>()(x.newOnes([], { dtype: 'int32' }));

// values
expectType<Tensor<'float32', 0>>()(torch.tensor(1));
expectType<Tensor<'int64', 1>>()(torch.tensor([1n, 2n]));
expectType<Tensor<'bool', 2>>()(torch.tensor([[true], [false]]));
expectType<Tensor<'complex64', 0>>()(torch.tensor({ re: 1, im: 2 }));
expectType<Tensor<'float32', 3>>()(torch.tensor([[[1, 2]], [[3, 4]]]));
expectType<Tensor<'float32', 1>>()(torch.tensor([]));
expectType<Tensor<'uint8', 2>>()(torch.tensor([[1, 2]], { dtype: 'uint8' }));
expectType<Tensor<'float64', 1>>()(torch.tensor(new Float64Array(4)));
expectType<Tensor<'int16', 2>>()(torch.tensor(new Int16Array(4), { shape: [2, 2] }));
expectType<Tensor<'float32', 3>>()(torch.tensor(new Float32Array(4), { shape: [2, 2, 1], device: 'cpu' }));
