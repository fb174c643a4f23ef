/** Single overloads called by their exact name, for the few operators that `Tensor` itself is built on. */
import { native, type Handle, type NativeValue } from '../native';
import { applyGradMode } from './context';

/** Looks the overload up on first use. Takes all arguments in schema order, tensors as handles. */
export function rawOperator<Result extends NativeValue>(
  name: string,
  overload: string,
): (...args: NativeValue[]) => Result {
  let id: number | undefined;
  return (...args) => {
    id ??= native.schemas(name).find((schema) => schema.overload === overload)!.id;
    applyGradMode();
    return native.call(id, ...args) as Result;
  };
}

const toDtypeLayout = rawOperator<Handle>('aten::to', 'dtype_layout');

/** `Tensor.to`: the same tensor under a new handle when nothing changes and no copy is asked for. */
export function convert(
  tensor: Handle,
  dtype: string | undefined,
  device: string | undefined,
  nonBlocking = false,
  copy = false,
): Handle {
  return toDtypeLayout(tensor, dtype ?? null, null, device ?? null, null, nonBlocking, copy, null);
}
