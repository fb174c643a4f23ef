/** What reading a tensor back gives. */
import type { Complex, Tensor, NestedArray } from '../../../lib';
import { expectType } from './expect';

declare const x: Tensor<'float32', 2>;
declare const count: Tensor<'int64', 0>;
declare const mask: Tensor<'bool', 1>;
declare const waves: Tensor<'complex128', 1>;
declare const some: Tensor<'float64'>;
declare const plain: Tensor;

expectType<[number, number]>()(x.shape);
expectType<[]>()(count.shape);
expectType<number[]>()(plain.shape);
expectType<2>()(x.ndim);
expectType<'float32'>()(x.dtype);

expectType<number[][]>()(x.toArray());
expectType<bigint>()(count.toArray());
expectType<number>()(count.toArray({ int64: 'number' }));
expectType<boolean[]>()(mask.toArray());
expectType<Complex[]>()(waves.toArray());
const anyDepth: NestedArray = some.toArray();
const anything: NestedArray = plain.toArray();

const bytes: Float32Array = x.dataSync();
const whole: BigInt64Array = count.dataSync();
const flags: Uint8Array = mask.dataSync();
const later: Promise<Float64Array> = waves.data();

expectType<number>()(x.item());
expectType<number>()(count.item());
expectType<number>()(plain.item());
expectType<never>()(waves.item());

export { anyDepth, anything, bytes, flags, later, whole };
