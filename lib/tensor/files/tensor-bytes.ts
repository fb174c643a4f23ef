/** Elements as they lie in memory. */
import { dtypeFacts } from '../dtype';
import { noGrad } from '../modes';
import { scope } from '../scope';
import type { Tensor } from '../tensor';

/** Integers of the width of the dtypes whose elements `data()` would give converted. */
const bitsOf = { 1: 'int8', 2: 'int16', 4: 'int32' } as const;

/** Copies a tensor's elements, row-major, off the JavaScript thread. */
export async function tensorBytes(tensor: Tensor, signal: AbortSignal | undefined): Promise<Uint8Array> {
  return scope(async () => {
    const { carrier, bytes } = dtypeFacts(tensor.dtype);
    const bits =
      carrier === undefined
        ? tensor
        : noGrad(() =>
            tensor
              .detach()
              .resolveConj()
              .contiguous()
              .view(bitsOf[bytes as 1 | 2 | 4]),
          );
    const { buffer, byteOffset, byteLength } = await bits.data(signal === undefined ? {} : { signal });
    return new Uint8Array(buffer, byteOffset, byteLength);
  });
}
