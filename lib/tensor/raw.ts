/** Single overloads called by their exact name, for the few operators that `Tensor` itself is built on. */
import { native, type Handle, type PlanId } from '../native';
import { applyModes } from './context';
import { beginCall, Form, place } from './frame';
import { formOf } from './resolve';
import { overloadsOf, type ArgumentType, type Overload } from './schema';

/** Looks the overload up on first use. Takes its first arguments in schema order, tensors as handles, and gives a tensor's. */
export function rawOperator(name: string, overload: string): (...args: unknown[]) => Handle {
  let found: Overload | undefined;
  const plans = new Map<string, PlanId>();
  return (...args) => {
    found ??= overloadsOf(name).find((each) => each.name === overload)!;
    const forms = new Uint32Array(2 * found.arguments.length);
    beginCall();
    for (const [slot, value] of args.entries()) {
      forms[2 * slot] = placeHandles(found.arguments[slot]!.type, slot, value);
      forms[2 * slot + 1] = slot;
    }
    const key = forms.join();
    let plan = plans.get(key);
    if (plan === undefined) plans.set(key, (plan = native.plan(found.id, forms)));
    applyModes();
    return Math.abs(native.call(plan) as Handle);
  };
}

function placeHandles(type: ArgumentType, slot: number, value: unknown): Form {
  const kind = place(slot, value);
  if (type.base !== 'Tensor' || value === null) return formOf(type, kind);
  return type.list ? Form.Tensors : Form.Tensor;
}

const toDtypeLayout = rawOperator('aten::to', 'dtype_layout');

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
