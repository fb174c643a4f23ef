/** Arguments for random calls: some that fit, many that do not, some that mean harm. */
import { torch, type Dtype, type Tensor } from '../../../lib/tensor';
import { layouts, memoryFormats } from '../../../lib/tensor/kinds';
import type { ArgumentType } from '../../../lib/tensor/schema';
import type { Random } from './random';

/** What a hostile getter throws: not the package's to answer for. */
export class Sabotage extends Error {}

const dtypes: readonly Dtype[] = [
  ...(['float32', 'float64', 'int64', 'bool', 'complex64'] as const),
  ...(['float16', 'bfloat16', 'uint8', 'int8', 'int16', 'int32', 'complex128'] as const),
];
const strangeIntegers = [
  -1,
  -2,
  -3,
  -0,
  2 ** 31 - 1,
  2 ** 31,
  -(2 ** 31),
  2 ** 32,
  2 ** 40,
  2 ** 53 - 1,
  2 ** 53,
  -(2 ** 53) + 1,
  100,
  255,
];
const bigints = [
  0n,
  1n,
  -1n,
  3n,
  2n ** 31n,
  2n ** 62n,
  2n ** 63n - 1n,
  -(2n ** 63n),
  2n ** 63n,
  2n ** 64n,
  -(2n ** 200n),
];
const strings = [
  ...['', 'mean', 'sum', 'reflect', 'ij', 'same', 'valid', 'none', 'tanh', 'floor', 'trunc', 'constant', 'euclidean'],
  ...['i,j->ij', '...', 'bilinear', 'linear', 'higher', 'fro', 'nuc', '\0', '\u{1f600}', 'x'.repeat(300), 'left'],
];
const devices = ['cpu', 'cpu', 'cuda', 'cuda:7', 'meta', 'mps', 'cpu:1', ''];

export class Values {
  readonly #pool: Tensor[] = [];

  constructor(readonly random: Random) {
    for (let count = 0; count < 12; count++) this.#pool.push(this.#makeTensor());
    const closed = torch.zeros([2]);
    closed.dispose();
    this.#pool.push(closed);
  }

  tensor(): Tensor {
    return this.random.pick(this.#pool);
  }

  #shape(): number[] {
    const { random } = this;
    const common = [
      [],
      [3],
      [2, 3],
      [3, 3],
      [4, 4],
      [1],
      [0],
      [2, 0],
      [2, 3, 3],
      [1, 2, 4, 4],
      [2, 2, 3, 4, 4],
      [6],
      [1, 1],
    ];
    return random.chance(0.8)
      ? random.pick(common)
      : Array.from({ length: random.below(7) }, () => random.pick([0, 1, 2, 3, 4, 5]));
  }

  #makeTensor(): Tensor {
    const { random } = this;
    const dtype = random.chance(0.6) ? 'float32' : random.pick(dtypes);
    const shape = this.#shape();
    const floating = dtype.startsWith('float') || dtype.startsWith('bfloat') || dtype.startsWith('complex');
    let tensor = floating ? torch.randn(shape, { dtype }) : torch.randint(dtype === 'bool' ? 2 : 4, shape, { dtype });
    if (floating && tensor.numel > 0 && random.chance(0.1)) {
      tensor
        .view([-1])
        .select(0, 0)
        .fill_(random.pick([NaN, Infinity, -Infinity, 1e38]));
    }
    if (!floating && dtype !== 'bool' && random.chance(0.2))
      tensor.fill_(random.pick([100, 127, 0, dtype === 'uint8' ? 255 : -1]));
    if (tensor.ndim >= 2 && random.chance(0.2)) tensor = tensor.transpose(0, 1);
    if (random.chance(0.05) && tensor.ndim >= 1) tensor = tensor.unsqueeze(0).expand([3, ...tensor.shape]);
    if (random.chance(0.03) && tensor.ndim >= 1) tensor = tensor.toSparse();
    if (floating && random.chance(0.3) && tensor.isLeaf) tensor.requiresGrad = true;
    return tensor;
  }

  integer(): number | bigint {
    const { random } = this;
    if (random.chance(0.85)) return random.between(-1, 4);
    return random.chance(0.7) ? random.pick(strangeIntegers) : random.pick(bigints);
  }

  fraction(): number {
    return this.random.pick([0.5, -0.5, 1e-5, 1.5, 0, -0, NaN, Infinity, -Infinity, 1e308, 5e-324, 2 ** 60, 0.1]);
  }

  /** One that fits the type in kind, though perhaps not in value. */
  fitting(type: ArgumentType): unknown {
    const { random } = this;
    if (type.optional && random.chance(0.4)) return null;
    if (!type.list) return this.#element(type);
    if (type.base === 'int' && random.chance(0.2)) return this.integer();
    const length = random.chance(0.9) ? random.below(5) : random.below(30);
    return Array.from({ length }, () => (type.optionalElements && random.chance(0.3) ? null : this.#element(type)));
  }

  #element(type: ArgumentType): unknown {
    const { random } = this;
    switch (type.base) {
      case 'Tensor':
        return this.tensor();
      case 'int':
        return this.integer();
      case 'float':
        return random.chance(0.5) ? this.fraction() : random.between(-1, 3);
      case 'bool':
        return random.chance(0.5);
      case 'str':
        return random.pick(strings);
      case 'Scalar':
        return this.#scalar();
      case 'ScalarType':
        return random.pick(dtypes);
      case 'Device':
        return random.pick(devices);
      case 'Layout':
        return random.pick(layouts);
      case 'MemoryFormat':
        return random.pick(memoryFormats);
      case 'Generator':
        return new torch.Generator({ seed: 1 });
    }
  }

  #scalar(): unknown {
    const { random } = this;
    const kind = random.below(5);
    if (kind === 0) return random.chance(0.5);
    if (kind === 1) return { re: this.fraction(), im: this.fraction() };
    return kind === 2 ? this.fraction() : this.integer();
  }

  /** Anything at all. */
  hostile(depth = 0): unknown {
    const { random } = this;
    switch (random.below(depth > 2 ? 12 : 24)) {
      case 0:
        return undefined;
      case 1:
        return null;
      case 2:
        return this.fraction();
      case 3:
        return random.pick(strangeIntegers);
      case 4:
        return random.pick(bigints);
      case 5:
        return random.pick(strings);
      case 6:
        return Symbol('hostile');
      case 7:
        return (): number => 1;
      case 8:
        return random.chance(0.5);
      case 9:
        return this.tensor();
      case 10:
        return new Date(NaN);
      case 11:
        return random.pick(devices);
      case 12:
        return Array.from({ length: random.below(4) }, () => this.hostile(depth + 1));
      case 13:
        return [[[this.hostile(depth + 1)]]];
      case 14:
        return {
          [random.pick(['dim', 'dtype', 'self', 'other', 'size', '__proto__', 'out', 're'])]: this.hostile(depth + 1),
        };
      case 15:
        return new Proxy([1, 2], {
          get: (target, key) =>
            key === 'length' ? random.pick([2, 5, -1, 2 ** 31, NaN]) : (Reflect.get(target, key) as unknown),
        });
      case 16:
        return new Proxy(this.tensor(), {});
      case 17:
        return Object.defineProperty([1, 2, 3], 1, {
          get() {
            throw new Sabotage('a getter');
          },
        });
      case 18:
        return changingList(random, this);
      case 19:
        return detachedArray(random);
      case 20:
        return {
          get re(): number {
            throw new Sabotage('a getter');
          },
          im: 1,
        };
      case 21:
        return { re: random.pick([1, 'x', null, this.fraction()]), im: this.fraction() };
      case 22:
        return Object.create(Object.getPrototypeOf(this.tensor()) as object) as unknown;
      default:
        return new Array(random.pick([1, 3, 1000]));
    }
  }
}

/** Changes its length and its elements' kinds while it is read. */
function changingList(random: Random, values: Values): unknown[] {
  const list: unknown[] = [1, 2, 3, 4];
  const change = random.below(3);
  let reads = 0;
  Object.defineProperty(list, 0, {
    get() {
      reads++;
      if (change === 0) list.length = 1;
      if (change === 1) list.push(1);
      if (change === 2 && reads > 1) return values.tensor();
      return 1;
    },
    configurable: true,
  });
  return list;
}

function detachedArray(random: Random): unknown {
  const array = new (random.pick([Float32Array, Int32Array, BigInt64Array, Uint8Array]))(4);
  structuredClone(array.buffer, { transfer: [array.buffer] });
  return array;
}
