/** Ranks of indexed tensors, and what is no index. */
import { slice, torch, type Tensor } from '../../../lib';
import { expectType } from './expect';

declare const x: Tensor<'int32', 3>;
declare const rows: Tensor<'int64', 1>;
declare const plain: Tensor;

expectType<Tensor<'int32', 3>>()(x.at());
expectType<Tensor<'int32', 2>>()(x.at(0));
expectType<Tensor<'int32', 1>>()(x.at(0, -1n));
expectType<Tensor<'int32', 3>>()(x.at(slice(1)));
expectType<Tensor<'int32', 2>>()(x.at('...', 0));
expectType<Tensor<'int32', 3>>()(x.at(0, null, slice(null, 2)));
expectType<Tensor<'int32', number>>()(x.at(rows));
expectType<Tensor<'int32', number>>()(x.at([0, 2], slice()));
expectType<Tensor<'int32', number>>()(x.at(true));
expectType<Tensor>()(plain.at(0, slice()));

expectType<Tensor<'int32', 3>>()(x.set(0, 1));
x.set(slice(1), null, rows, [[1], [2]]);
x.set('...', { re: 1, im: 0 });
x.set(0, plain);
x.set(0, new Float32Array(2));

// @ts-expect-error a string that is no ellipsis
x.at('..');
// @ts-expect-error an object that is no slice
x.at({ start: 1 });
// @ts-expect-error undefined is no index
x.at(undefined);
// @ts-expect-error an array of strings
x.at(['0']);
// @ts-expect-error no value
x.set();
// @ts-expect-error null is no value
x.set(0, null);
// @ts-expect-error a string is no value
x.set(0, 'one');
// @ts-expect-error a slice of strings
slice('1');
// @ts-expect-error the operator is not the index
torch.slice(1, 2);
