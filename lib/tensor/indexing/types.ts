/** How many dimensions an index leaves. */
import type { Down, Up } from '../types';
import type { Slice } from './slice';

/** The rank of `x.at(...index)` where x has rank R: known as long as no tensor, array or boolean is among the parts. */
export type Indexed<R extends number, I extends readonly unknown[]> = I extends readonly []
  ? R
  : I extends readonly [infer Part, ...infer Rest]
    ? Indexed<
        Part extends number | bigint ? Down[R] : Part extends null ? Up[R] : Part extends Slice | '...' ? R : number,
        Rest
      >
    : number;
