/** Says that an expression has exactly a type; what does not is an error of compilation. */

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** `expectType<Tensor<'float32', 2>>()(torch.zeros([2, 3]))` */
export declare function expectType<Expected>(): <Actual>(
  actual: Actual,
  ...differs: Equal<Actual, Expected> extends true ? [] : [expected: Expected]
) => void;
