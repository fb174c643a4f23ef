/** Calls every overload of every exposed operator with a value of the right kind for each argument; prints what was not taken. */
import { TorchwrightError } from '../../../lib/errors';
import { scope, torch } from '../../../lib/tensor';
import type { Parameter } from '../../../lib/tensor/composites/signature';
import type { ArgumentType, BaseType, Overload } from '../../../lib/tensor/schema';
import { targets } from '../fuzz/calls';

const singles: Record<BaseType, () => unknown> = {
  Tensor: () => torch.ones([2, 2]),
  int: () => 1,
  float: () => 0.5,
  bool: () => false,
  str: () => 'mean',
  Scalar: () => 1,
  ScalarType: () => 'float32',
  Device: () => 'cpu',
  Layout: () => 'strided',
  MemoryFormat: () => 'contiguous_format',
  Generator: () => new torch.Generator({ seed: 1 }),
};

function valueFor(type: ArgumentType): unknown {
  const single = singles[type.base];
  return type.list ? [single(), single()] : single();
}

function argumentsFor(overload: Overload): unknown[] {
  const values: unknown[] = [];
  const options: Record<string, unknown> = {};
  for (const argument of overload.arguments) {
    const { choices, unchecked } = argument as Partial<Parameter>;
    const value = unchecked === true ? torch.ones([2, 2]) : (choices?.[0] ?? valueFor(argument.type));
    if (argument.keywordOnly) options[argument.name] = value;
    else values.push(value);
  }
  return Object.keys(options).length > 0 ? [...values, options] : values;
}

const refused: string[] = [];
let calls = 0;
for (const target of targets) {
  for (const overload of target.overloads()) {
    const where = `${target.name}.${overload.name}`;
    scope(() => {
      calls++;
      try {
        target.call(argumentsFor(overload));
      } catch (error) {
        const reached = error instanceof TorchwrightError && !/no overload takes|unknown option/.test(error.message);
        if (!reached) refused.push(`${where}: ${String(error)}`);
      }
    });
  }
}
console.log(JSON.stringify({ targets: targets.length, calls, refused }));
