/** Work that is done several at a time and given out in its order. */

/**
 * @param most begun and not given out yet; so much more is taken of `inputs` than was given out
 * @throws what an input or its work threw, when its turn has come
 */
export async function* inOrder<Input, Output>(
  inputs: AsyncIterable<Input>,
  most: number,
  work: (input: Input) => Promise<Output>,
): AsyncGenerator<Output> {
  const begun: Promise<Output>[] = [];
  try {
    for await (const input of inputs) {
      const output = work(input);
      output.catch(() => {}); // told when its turn has come
      begun.push(output);
      if (begun.length >= most) yield begun.shift() as Promise<Output>;
    }
    while (begun.length > 0) yield begun.shift() as Promise<Output>;
  } finally {
    await Promise.allSettled(begun);
  }
}
