/** Recurrent layers of several levels and directions. */
import { ArgumentError, ShapeError } from '../../errors';
import { Tensor, torch } from '../../tensor';
import { uniform_ } from '../init';
import { listValues } from '../module/describe';
import { Module } from '../module/module';
import type { Parameter } from '../module/parameter';
import { isPacked, type PackedSequence } from '../sequences/packed';
import {
  checkOneOf,
  checkProbability,
  checkSize,
  layerDefaults,
  placeOf,
  readOptions,
  type LayerOptions,
} from './arguments';
import { inLayer, parameter, torchFunction } from './layer';

export interface RecurrentOptions extends LayerOptions {
  /** Levels, each of which reads what the one below gives. Default 1. */
  numLayers?: number;
  bias?: boolean;
  /** Whether inputs and outputs are [batch, time, *] instead of [time, batch, *]. Default false. */
  batchFirst?: boolean;
  /** Probability of dropout on what each level but the last gives. Default 0. */
  dropout?: number;
  /** Reads each sequence from its end too; outputs of both directions side by side. */
  bidirectional?: boolean;
}

const defaults: Required<RecurrentOptions> = {
  numLayers: 1,
  bias: true,
  batchFirst: false,
  dropout: 0,
  bidirectional: false,
  ...layerDefaults,
};

/** What an operator is given after its input and state. */
type Rest = [
  params: Parameter[],
  bias: boolean,
  numLayers: number,
  dropout: number,
  train: boolean,
  bidirectional: boolean,
];
type State = Tensor | [Tensor, Tensor];
type Run<S extends State> = (
  input: Tensor,
  batchSizes: Tensor | null,
  state: S,
  rest: Rest,
  batchFirst: boolean,
) => Tensor[];

/** `torch.gru` and its like. */
interface OneState {
  (input: Tensor, state: Tensor, ...rest: [...Rest, batchFirst: boolean]): [Tensor, Tensor];
  (data: Tensor, batchSizes: Tensor, state: Tensor, ...rest: Rest): [Tensor, Tensor];
}

/**
 * What recurrent layers share. Their parameters are `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`, `bias_hh_l0`, the same for further
 * levels and with `_reverse` for the other direction (`getParameter` gives them), from U(-b, b), b = 1 / sqrt(hiddenSize).
 */
abstract class Recurrent<S extends State> extends Module {
  readonly numLayers: number;
  readonly bias: boolean;
  readonly batchFirst: boolean;
  readonly dropout: number;
  readonly bidirectional: boolean;
  private readonly weights: string[] = [];

  protected constructor(
    readonly inputSize: number,
    readonly hiddenSize: number,
    options: Required<RecurrentOptions>,
    gates: number,
    /** Size of what a level gives, if less than its state's. */
    readonly projSize: number = 0,
  ) {
    super();
    const { name } = new.target;
    checkSize(name, 'inputSize', inputSize);
    checkSize(name, 'hiddenSize', hiddenSize);
    this.numLayers = checkSize(name, 'numLayers', options.numLayers);
    this.bias = options.bias;
    this.batchFirst = options.batchFirst;
    this.dropout = checkProbability(name, 'dropout', options.dropout);
    this.bidirectional = options.bidirectional;
    const place = placeOf(options);
    const bound = 1 / Math.sqrt(hiddenSize);
    const given = projSize === 0 ? hiddenSize : projSize;
    const directions = this.bidirectional ? ['', 'Reverse'] : [''];
    for (let level = 0; level < this.numLayers; level++) {
      const read = level === 0 ? inputSize : given * directions.length;
      for (const direction of directions) {
        const shapes: [string, number[]][] = [
          ['weightIh', [gates * hiddenSize, read]],
          ['weightHh', [gates * hiddenSize, given]],
        ];
        if (this.bias) shapes.push(['biasIh', [gates * hiddenSize]], ['biasHh', [gates * hiddenSize]]);
        if (projSize > 0) shapes.push(['weightHr', [projSize, hiddenSize]]);
        for (const [kind, shape] of shapes) {
          const property = `${kind}L${level}${direction}`;
          this.weights.push(property);
          this.named()[property] = parameter(() => uniform_(torch.empty(shape, place), -bound, bound));
        }
      }
    }
  }

  private named(): Record<string, Parameter> {
    return this as unknown as Record<string, Parameter>;
  }

  /** Sizes of the parts of the state. */
  protected stateSizes(): number[] {
    return [this.hiddenSize];
  }

  /** Checks input and state, adds a batch where there is none, and takes it away again. */
  protected runOn<I extends Tensor | PackedSequence>(
    input: I,
    given: readonly Tensor[] | null,
    run: Run<S>,
  ): [I, ...Tensor[]] {
    if (isPacked(input)) return this.runPacked(input, given, run) as [I, ...Tensor[]];
    if (!(input instanceof Tensor)) throw new ArgumentError('the input must be a tensor or a packed sequence.');
    const { ndim } = input;
    if (ndim !== 2 && ndim !== 3) throw new ShapeError(`the input must have 2 or 3 dimensions, not ${ndim}.`);
    const batchDim = this.batchFirst ? 0 : 1;
    const batched: Tensor = ndim === 3 ? input : input.unsqueeze(batchDim);
    this.checkInput(batched);
    const states = given === null ? this.zeroStates(batched, batched.size(batchDim)) : given;
    const full = ndim === 3 ? states : states.map((state) => state.unsqueeze(1));
    this.checkStates(full, batched.size(batchDim), ndim === 3);
    const [output, ...last] = run(batched, null, this.stateOf(full), this.rest(), this.batchFirst);
    if (ndim === 3) return [output as I, ...last];
    return [output!.squeeze(batchDim) as I, ...last.map((state) => state.squeeze(1))];
  }

  private runPacked(
    input: PackedSequence,
    given: readonly Tensor[] | null,
    run: Run<S>,
  ): [PackedSequence, ...Tensor[]] {
    const { data, batchSizes, sortedIndices, unsortedIndices } = input;
    this.checkInput(data);
    const batch = batchSizes.select(0, 0).item();
    const states = given === null ? this.zeroStates(data, batch) : given;
    this.checkStates(states, batch, true);
    const sorted = sortedIndices === null ? states : states.map((state) => state.indexSelect(1, sortedIndices));
    const [output, ...last] = run(data, batchSizes, this.stateOf(sorted), this.rest(), false);
    const inOrder = unsortedIndices === null ? last : last.map((state) => state.indexSelect(1, unsortedIndices));
    return [{ ...input, data: output! }, ...inOrder];
  }

  private stateOf(states: readonly Tensor[]): S {
    return (states.length === 1 ? states[0] : [...states]) as S;
  }

  private rest(): Rest {
    const named = this.named();
    const params = this.weights.map((name) => named[name]!);
    return [params, this.bias, this.numLayers, this.dropout, this.training, this.bidirectional];
  }

  private zeroStates(input: Tensor, batch: number): Tensor[] {
    const { dtype, device } = input;
    const levels = this.numLayers * (this.bidirectional ? 2 : 1);
    return this.stateSizes().map((size) => torch.zeros([levels, batch, size], { dtype, device }));
  }

  private checkInput(input: Tensor): void {
    const size = input.size(-1);
    if (size === this.inputSize) return;
    throw new ShapeError(`the input's last dimension must be inputSize (${this.inputSize}), not ${size}.`);
  }

  private checkStates(states: readonly Tensor[], batch: number, batched: boolean): void {
    const levels = this.numLayers * (this.bidirectional ? 2 : 1);
    const sizes = this.stateSizes();
    if (states.length !== sizes.length) {
      throw new ArgumentError(`the state must be ${sizes.length} tensors, not ${states.length}.`);
    }
    for (const [index, state] of states.entries()) {
      if (!(state instanceof Tensor)) throw new ArgumentError('the state must be made of tensors.');
      const wanted = [levels, batch, sizes[index]!];
      if (state.shape.join() === wanted.join()) continue;
      const shown = batched ? wanted : [levels, sizes[index]!];
      const found = batched ? state.shape : state.squeeze(1).shape;
      throw new ShapeError(`the state must have shape [${shown.join(', ')}], not [${found.join(', ')}].`);
    }
  }

  /** Runs `compute`, telling this layer and its input with an error. */
  protected told<T>(input: Tensor | PackedSequence, compute: () => T): T {
    try {
      return compute();
    } catch (error) {
      throw inLayer(this, { input: isPacked(input) ? input.data : input }, error);
    }
  }

  override extraRepr(): string {
    const { inputSize, hiddenSize, projSize, numLayers, bias, batchFirst, dropout, bidirectional } = this;
    return listValues({
      inputSize,
      hiddenSize,
      projSize: projSize === 0 ? undefined : projSize,
      numLayers: numLayers === 1 ? undefined : numLayers,
      bias: bias ? undefined : false,
      batchFirst: batchFirst ? true : undefined,
      dropout: dropout === 0 ? undefined : dropout,
      bidirectional: bidirectional ? true : undefined,
    });
  }
}

/** h' = tanh(W x + b + U h + c), or with relu. */
export class RNN extends Recurrent<Tensor> {
  readonly nonlinearity: 'tanh' | 'relu';

  constructor(
    inputSize: number,
    hiddenSize: number,
    options: RecurrentOptions & { nonlinearity?: 'tanh' | 'relu' } = {},
  ) {
    const read = readOptions<Required<RecurrentOptions> & { nonlinearity: 'tanh' | 'relu' }>('RNN', options, {
      ...defaults,
      nonlinearity: 'tanh',
    });
    super(inputSize, hiddenSize, read, 1);
    this.nonlinearity = checkOneOf('RNN', 'nonlinearity', read.nonlinearity, ['tanh', 'relu']);
  }

  /**
   * @param input [time, batch, inputSize] (see `batchFirst`), [time, inputSize] or packed
   * @param state [levels * directions, batch, hiddenSize]; zeros if left out
   * @returns the states of the last level at all steps, and of all levels at the last
   */
  override forward<I extends Tensor | PackedSequence>(
    input: I,
    state: Tensor | null = null,
  ): [output: I, state: Tensor] {
    const run = torchFunction<OneState>(this.nonlinearity === 'tanh' ? 'rnnTanh' : 'rnnRelu');
    return this.told(input, () => this.runOn(input, state && [state], simple(run)) as [I, Tensor]);
  }
}

/** Gated recurrent unit. Source: Cho et al. 2014. */
export class GRU extends Recurrent<Tensor> {
  constructor(inputSize: number, hiddenSize: number, options: RecurrentOptions = {}) {
    super(inputSize, hiddenSize, readOptions('GRU', options, defaults), 3);
  }

  /**
   * @param input [time, batch, inputSize] (see `batchFirst`), [time, inputSize] or packed
   * @param state [levels * directions, batch, hiddenSize]; zeros if left out
   * @returns the states of the last level at all steps, and of all levels at the last
   */
  override forward<I extends Tensor | PackedSequence>(
    input: I,
    state: Tensor | null = null,
  ): [output: I, state: Tensor] {
    return this.told(input, () => this.runOn(input, state && [state], simple(torchFunction('gru'))) as [I, Tensor]);
  }
}

export interface LSTMOptions extends RecurrentOptions {
  /** Size to which each level's output is projected; less than hiddenSize, 0 for none. Source: Sak et al. 2014. */
  projSize?: number;
}

/** Long short-term memory. Source: Hochreiter & Schmidhuber 1997. */
export class LSTM extends Recurrent<[Tensor, Tensor]> {
  constructor(inputSize: number, hiddenSize: number, options: LSTMOptions = {}) {
    const { projSize, ...read } = readOptions<Required<LSTMOptions>>('LSTM', options, { ...defaults, projSize: 0 });
    checkSize('LSTM', 'projSize', projSize, 0);
    if (projSize >= hiddenSize && projSize > 0) {
      throw new ShapeError(`LSTM: projSize (${projSize}) must be less than hiddenSize (${hiddenSize}).`);
    }
    super(inputSize, hiddenSize, read, 4, projSize);
  }

  protected override stateSizes(): number[] {
    return [this.projSize === 0 ? this.hiddenSize : this.projSize, this.hiddenSize];
  }

  /**
   * @param input [time, batch, inputSize] (see `batchFirst`), [time, inputSize] or packed
   * @param state hidden and cell state, each [levels * directions, batch, size]; zeros if left out
   * @returns the hidden states of the last level at all steps, and both states of all levels at the last
   */
  override forward<I extends Tensor | PackedSequence>(
    input: I,
    state: readonly [hidden: Tensor, cell: Tensor] | null = null,
  ): [output: I, state: [hidden: Tensor, cell: Tensor]] {
    const run: Run<[Tensor, Tensor]> = (data, sizes, states, rest, batchFirst) =>
      sizes === null ? torch.lstm(data, states, ...rest, batchFirst) : torch.lstm(data, sizes, states, ...rest);
    return this.told(input, () => {
      const [output, hidden, cell] = this.runOn(input, state, run);
      return [output, [hidden!, cell!]];
    });
  }
}

/** The overloads of an operator with one state: of padded and of packed sequences. */
function simple(run: OneState): Run<Tensor> {
  return (data, sizes, state, rest, batchFirst) =>
    sizes === null ? run(data, state, ...rest, batchFirst) : run(data, sizes, state, ...rest);
}
