/** Calls that cannot go well are errors of compilation. */
import { nn, torch, type Tensor } from '../../../lib';

declare const x: Tensor<'float32', 2>;
declare const plain: Tensor;

// names of options
// @ts-expect-error keepdim
x.sum({ dim: 1, keepdims: true });
// @ts-expect-error dim
torch.softmax(x, { dimension: 1 });
// @ts-expect-error dtype
torch.zeros([2], { type: 'float32' });
// @ts-expect-error of factories only
x.sum({ requiresGrad: true });
// @ts-expect-error shape
torch.tensor([1], { shape: [1], size: [1] });
// @ts-expect-error nonBlocking
x.to({ device: 'cpu', nonblocking: true });
// @ts-expect-error retainGraph
x.backward(null, { retain: true });
// @ts-expect-error edgeItems
torch.setPrintOptions({ edgeitems: 3 });

// values of options
// @ts-expect-error a dtype's name
torch.zeros([2], { dtype: 'float' });
// @ts-expect-error a dtype's name
x.to('int');
// @ts-expect-error a device
torch.zeros([2], { device: 'gpu' });
// @ts-expect-error a layout
torch.zeros([2], { layout: 'dense' });
// @ts-expect-error a boolean
x.sum(1, 'keepdim');

// arity and kinds
// @ts-expect-error nothing to multiply by
x.matmul();
// @ts-expect-error a number is no matrix
x.matmul(2);
// @ts-expect-error a string is no tensor
torch.add(x, 'y');
// @ts-expect-error no tensor first
torch.sum(1);
// @ts-expect-error a list of tensors
torch.cat(x, 0);
// @ts-expect-error lists hold tensors
torch.stack([x, 1]);
// @ts-expect-error too many
x.relu(1);
// @ts-expect-error sizes are numbers
x.view(['2', 3]);
// @ts-expect-error argmax has one dimension
x.argmax([0, 1]);
// @ts-expect-error elements of one kind
torch.tensor(['a']);
// @ts-expect-error properties are not set
x.shape = [1, 2];
// @ts-expect-error nor the dtype
plain.dtype = 'float64';
// @ts-expect-error no such operator
export const operator = torch.frobnicate;
// @ts-expect-error no such method
export const method = x.length;
// @ts-expect-error a module takes sizes
new nn.Linear('3', 4);

// what is known of results
// @ts-expect-error a vector has one size
const [rows, columns]: [number, number] = x.sum(0).shape;
// @ts-expect-error booleans are not numbers
const flags: number[][] = x.gt(0).toArray();
// @ts-expect-error int64 comes as bigint
const counts: number[] = x.argmax(1).toArray();
// @ts-expect-error float32 does not come as float64
const data: Float64Array = x.dataSync();

export { columns, counts, data, flags, rows };
