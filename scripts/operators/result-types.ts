/**
 * What is known of dtypes and ranks of results, by the name of the operator. Rules are written with these letters, each bound to
 * the type of an argument: D and R the dtype and rank of the first tensor, E and Q of the second, C of a condition; S the shape or
 * size, A the dimensions, K whether they are kept, T the dtype asked for. lib/tensor/types.ts has the tables.
 */
import type { Argument, Overload } from '../../lib/tensor/schema';

/** Those of lib/tensor/types.ts that the rules name. */
export const tables =
  'Broadcast Down Inexact InexactPromoted Plain Product Promoted RankOf Real Reduced Shaped Summed Tested Up WithNumber'.split(
    ' ',
  );

/** An overload with types written in, and the type parameters it then takes. */
export interface TypedOverload {
  overload: Overload;
  typeParameters: string[];
}

/** The results' types; undefined where nothing is known. */
type Rule = (has: (name: string, type?: string) => boolean) => string[] | undefined;

/** Where each letter may come from. */
const sources = { S: ['size', 'shape'], A: ['dim'], K: ['keepdim'], T: ['dtype'] } as const;
const secondTensors = [
  'other',
  'tensor',
  'mat2',
  'tensor2',
  'vec',
  'vec2',
  'batch2',
  'exponent',
  'indices',
  'condition',
];

function always(...results: string[]): Rule {
  return () => results;
}

const broadcast = 'Broadcast[R][Q]';
/** By a second tensor, or else by a number. */
function binary(withTensor: string, withNumber: string): Rule {
  return (has) => {
    if (has('other', 'Tensor') || has('exponent', 'Tensor')) return [`Tensor<${withTensor}, ${broadcast}>`];
    return has('other', 'Scalar') || has('exponent', 'Scalar') ? [`Tensor<${withNumber}, R>`] : undefined;
  };
}

/** Over dimensions; the dtype asked for, if any, comes before the usual one. */
function reduction(dtype: string): Rule {
  return (has) => {
    const dims = has('dim') ? 'A' : 'null';
    const keep = has('keepdim') ? 'K' : 'false';
    return [`Tensor<${has('dtype') ? 'T' : dtype}, Reduced<R, ${dims}, ${keep}>>`];
  };
}

/** Values and where they were found, over one dimension or all. */
const extremum: Rule = (has) => {
  if (has('other')) return [`Tensor<Promoted[D][E], ${broadcast}>`];
  if (!has('dim')) return ['Tensor<D, Reduced<R, null, false>>'];
  return ['Tensor<D, Reduced<R, A, K>>', "Tensor<'int64', Reduced<R, A, K>>"];
};

function factory(rank: string): Rule {
  return always(`Tensor<T, ${rank}>`);
}

const same = always('Tensor<D, R>');
const tests = binary("'bool'", "'bool'");
const arithmetic = binary('Promoted[D][E]', 'WithNumber[D]');

const classes: readonly (readonly [names: string, rule: Rule])[] = [
  [
    'alias alphaDropout ceil celu clone conj conjPhysical contiguous copysign cpu cuda detach dropout elu fill flip fliplr flipud ' +
      'floor frac gelu hardshrink hardsigmoid hardswish hardtanh indexAdd indexCopy indexFill indexSelect gather layerNorm ' +
      'leakyRelu logSigmoid maskedFill maskedScatter mish moveaxis movedim narrow nanToNum neg negative permute positive ' +
      'prelu relu relu6 renorm resolveConj resolveNeg rmsNorm roll rot90 round scatter scatterAdd selu sgn sign silu slice ' +
      'softplus softshrink swapaxes swapdims t threshold transpose tril triu trunc fix',
    same,
  ],
  [
    'acos acosh arccos arccosh arcsin arcsinh arctan arctanh asin asinh atan atanh cos cosh deg2rad digamma erf erfc erfinv exp ' +
      'exp2 expm1 i0 lgamma log log10 log1p log2 logit mvlgamma rad2deg reciprocal rsqrt sigmoid sin sinc sinh sqrt tan tanh',
    always('Tensor<Inexact[D], R>'),
  ],
  ['T mT H mH', same],
  ['abs absolute real imag', always('Tensor<Real[D], R>')],
  ['isfinite isinf isnan isneginf isposinf isreal logicalNot signbit', always("Tensor<'bool', R>")],
  ['eq ge greater greaterEqual gt le less lessEqual lt ne notEqual', tests],
  ['isclose logicalAnd logicalOr logicalXor', tests],
  ['add mul multiply sub subtract rsub remainder fmod floorDivide maximum minimum fmax fmin pow', arithmetic],
  ['bitwiseAnd bitwiseOr bitwiseXor', binary('Promoted[D][E]', 'Dtype')],
  ['atan2 arctan2 hypot', binary('InexactPromoted[D][E]', 'Inexact[D]')],
  [
    'div divide trueDivide',
    (has) => (has('roundingMode') ? binary('Dtype', 'Dtype') : binary('InexactPromoted[D][E]', 'Inexact[D]'))(has),
  ],
  ['all any', reduction('Tested[D]')],
  ['sum nansum prod', reduction('Summed[D]')],
  ['mean nanmean amax amin', reduction('D')],
  ['logsumexp', reduction('Inexact[D]')],
  ['std var', reduction('Real[D]')],
  ['argmax argmin', reduction("'int64'")],
  ['countNonzero', (has) => [has('dim') ? "Tensor<'int64'>" : "Tensor<'int64', Reduced<R, null, false>>"]],
  ['max min median nanmedian', extremum],
  ['cumsum cumprod', always('Tensor<T, R>')],
  ['softmax logSoftmax', always('Tensor<T, R>')],
  ['sort topk cummax cummin', always('Tensor<D, R>', "Tensor<'int64', R>")],
  ['argsort', always("Tensor<'int64', R>")],
  ['kthvalue mode', always('Tensor<D, Reduced<R, A, K>>', "Tensor<'int64', Reduced<R, A, K>>")],
  ['nonzero argwhere', always("Tensor<'int64', 2>")],
  ['select diagonal', always('Tensor<D, Down[R]>')],
  ['unsqueeze', always('Tensor<D, Up[R]>')],
  ['ravel', always('Tensor<D, 1 | Plain[R]>')],
  ['unbind', always('Tensor<D, Down[R]>[]')],
  ['chunk split tensorSplit splitWithSizes unsafeChunk unsafeSplit', always('Tensor<D, R>[]')],
  ['view', (has) => (has('dtype') ? ['Tensor<T, R>'] : ['Tensor<D, Shaped<R, S>>'])],
  ['reshape expand broadcastTo', always('Tensor<D, Shaped<R, S>>')],
  ['newEmpty newZeros newOnes newFull', always('Tensor<T, Shaped<R, S>>')],
  ['expandAs viewAs reshapeAs', always('Tensor<D, Q>')],
  ['typeAs', always('Tensor<E, R>')],
  ['type', always('Tensor<T, R>')],
  ['matmul mv dot vdot', always('Tensor<Promoted[D][E], Product[R][Q]>')],
  ['mm bmm', (has) => (has('outDtype') ? undefined : ['Tensor<Promoted[D][E], Product[R][Q]>'])],
  ['embedding', (has) => (has('indices') ? ['Tensor<D, Up[Q]>'] : undefined)],
  ['stack', always('Tensor<Promoted[D][D], Up[R]>')],
  ['cat concat concatenate hstack vstack', always('Tensor<Promoted[D][D], R>')],
  ['zeros ones empty rand randn full randint', factory('RankOf<S>')],
  ['arange range linspace logspace randperm', factory('1')],
  ['eye', factory('2')],
  ['emptyLike fullLike onesLike randLike randnLike randintLike zerosLike', factory('R')],
  ...Object.entries({
    ...{
      float: 'float32',
      double: 'float64',
      half: 'float16',
      bfloat16: 'bfloat16',
      byte: 'uint8',
      char: 'int8',
      short: 'int16',
    },
    ...{ int: 'int32', long: 'int64', bool: 'bool', cfloat: 'complex64', cdouble: 'complex128' },
  }).map(([name, dtype]) => [name, always(`Tensor<'${dtype}', R>`)] as const),
];

const rules = new Map(classes.flatMap(([names, rule]) => names.split(' ').map((name) => [name, rule] as const)));

/** The dtype that an operator gives where none is asked for. */
const usualDtypes: Record<string, string> = {
  ...{ arange: "'int64' | 'float32'", range: "'float32'", randint: "'int64'", randperm: "'int64'", full: 'Dtype' },
  ...{
    sum: 'Summed[D]',
    nansum: 'Summed[D]',
    prod: 'Summed[D]',
    cumsum: 'Summed[D]',
    cumprod: 'Summed[D]',
    mean: 'D',
    nanmean: 'D',
  },
  ...{ softmax: 'Inexact[D]', logSoftmax: 'Inexact[D]' },
};

function usualDtype(name: string): string {
  return usualDtypes[name] ?? (/Like$|^new/.test(name) ? 'D' : "'float32'");
}

/** Complex numbers make complex tensors of real ones: calls with them have a signature of their own. */
const realNumber = 'RealNumber';

/**
 * An overload with what is known of its results, as one overload or several, the narrower ones first.
 * @param name of the member, such as `logSoftmax`
 * @param self the first argument is the tensor whose method it is, and D and R are known
 */
export function withTypes(name: string, overload: Overload, self: boolean): TypedOverload[] {
  const plain = { overload, typeParameters: [] };
  if (overload.returns.some(({ argument }) => argument !== undefined)) return [plain];
  if (name === 'flatten' && overload.arguments.some((argument) => argument.name === 'startDim'))
    return flatten(overload, self);
  const results = rules.get(name)?.((argument, type) => has(overload, argument, type));
  if (results === undefined || results.length !== overload.returns.length) return [plain];
  const begins = overload.arguments[0]?.type.base === 'Tensor';
  if (!begins && results.some((result) => /\b[DR]\b/.test(result))) return [plain];
  const number = overload.arguments.find(
    (argument) => argument.type.base === 'Scalar' && secondTensors.includes(argument.name),
  );
  if (number === undefined || !results.some((result) => /WithNumber|Inexact/.test(result))) {
    return [bind(name, overload, self, results)];
  }
  return [
    bind(name, written(overload, { [number.name]: realNumber }), self, results),
    bind(name, overload, self, ['Tensor<Dtype, R>']),
  ];
}

/** Without arguments there is one dimension left. */
function flatten(overload: Overload, self: boolean): TypedOverload[] {
  const bare = { ...overload, arguments: overload.arguments.slice(0, 1), positional: 1 };
  return [bind('flatten', bare, self, ['Tensor<D, 1 | Plain[R]>']), bind('flatten', overload, self, ['Tensor<D>'])];
}

function has(overload: Overload, name: string, type?: string): boolean {
  return overload.arguments.some(
    (argument) => argument.name === name && (type === undefined || argument.type.base === type),
  );
}

function written(overload: Overload, types: Readonly<Record<string, string>>): Overload {
  return {
    ...overload,
    arguments: overload.arguments.map((argument) => ({
      ...argument,
      written: types[argument.name] ?? argument.written,
    })),
  };
}

/** Writes the results, and the letters they use into the arguments. */
function bind(name: string, overload: Overload, self: boolean, results: readonly string[]): TypedOverload {
  const types: Record<string, string> = {};
  const typeParameters: string[] = [];
  const usual = usualDtype(name);
  const uses = (letter: string) =>
    new RegExp(`\\b${letter}\\b`).test([...results, ...(letter === 'T' ? [] : [usual])].join(' '));
  const tensors = overload.arguments.filter(({ type }) => type.base === 'Tensor');
  const [first, second] = [tensors[0], tensors.slice(1).find((argument) => secondTensors.includes(argument.name))];
  if (first !== undefined && !self && (uses('D') || uses('R'))) {
    typeParameters.push('D extends Dtype', 'R extends number');
    types[first.name] = nullable(first, first.type.list ? 'readonly Tensor<D, R>[]' : 'Tensor<D, R>');
  }
  if (second !== undefined && (uses('E') || uses('Q'))) {
    typeParameters.push('E extends Dtype', 'Q extends number');
    types[second.name] = nullable(second, 'Tensor<E, Q>');
  }
  const unbound = new Map([
    ['A', 'null'],
    ['K', 'false'],
    ['T', usual],
  ]);
  for (const [letter, names] of Object.entries(sources)) {
    const argument = overload.arguments.find((each) => (names as readonly string[]).includes(each.name));
    if (argument === undefined || !uses(letter)) continue;
    unbound.delete(letter);
    typeParameters.push(typeParameter(letter, argument, usual));
    types[argument.name] = letter === 'A' ? 'A' : nullable(argument, letter);
  }
  const returns = overload.returns.map((each, index) => ({
    ...each,
    written: results[index]!.replace(/\b[AKT]\b/g, (letter) => unbound.get(letter) ?? letter),
  }));
  return { overload: { ...written(overload, types), returns }, typeParameters };
}

/** With what stands for it where the argument is left out. */
function typeParameter(letter: string, { type, hasDefault }: Argument, usual: string): string {
  if (letter === 'S') return 'const S extends Integers';
  if (letter === 'K') return 'K extends boolean = false';
  if (letter === 'T') return `T extends Dtype = ${usual}`;
  if (type.optional) return `const A extends ${type.list ? 'Integers' : 'Integer'} | null = null`;
  if (type.list) return `const A extends Integers${hasDefault ? ' = readonly []' : ''}`;
  return `const A extends Integer${hasDefault ? ' = number' : ''}`;
}

function nullable({ type }: Argument, text: string): string {
  return type.optional ? `${text} | null` : text;
}
