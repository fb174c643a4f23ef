/** Types that the generated operator signatures are made of. */
import type { Device } from './device';
import type { Complex, Dtype } from './dtype';
import type { Layout } from './kinds';

/** A whole number: a safe integer, or a bigint of 64 bits. */
export type Integer = number | bigint;
/** A list of whole numbers; one number stands for a list of it. */
export type Integers = Integer | readonly Integer[];
/** A number that is not complex. */
export type RealNumber = number | bigint | boolean;
/** A number without a tensor. Whole numbers count as integers in type promotion: JavaScript does not tell 2 from 2.0. */
export type Scalar = RealNumber | Complex;

/** Options of every operator that makes a tensor from nothing. */
export interface FactoryOptions<T extends Dtype = Dtype> {
  dtype?: T | null;
  layout?: Layout | null;
  device?: Device | null;
  pinMemory?: boolean | null;
  requiresGrad?: boolean;
}
