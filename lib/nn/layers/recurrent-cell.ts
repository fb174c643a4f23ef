/** One step of recurrent layers. */
import { ShapeError } from '../../errors';
import { torch, type Tensor } from '../../tensor';
import { uniform_ } from '../init';
import { listValues } from '../module/describe';
import { Module } from '../module/module';
import type { Parameter } from '../module/parameter';
import { checkOneOf, checkSize, layerDefaults, placeOf, readOptions, type LayerOptions } from './arguments';
import { inLayer, parameter, torchFunction } from './layer';

export interface CellOptions extends LayerOptions {
  bias?: boolean;
}

const defaults: Required<CellOptions> = { bias: true, ...layerDefaults };

/** What cells share: weights from U(-b, b), b = 1 / sqrt(hiddenSize). */
abstract class RecurrentCell extends Module {
  /** [gates * hiddenSize, inputSize] */
  readonly weightIh: Parameter;
  /** [gates * hiddenSize, hiddenSize] */
  readonly weightHh: Parameter;
  readonly biasIh: Parameter | null;
  readonly biasHh: Parameter | null;

  protected constructor(
    readonly inputSize: number,
    readonly hiddenSize: number,
    options: Required<CellOptions>,
    gates: number,
  ) {
    super();
    const { name } = new.target;
    checkSize(name, 'inputSize', inputSize);
    checkSize(name, 'hiddenSize', hiddenSize);
    const place = placeOf(options);
    const bound = 1 / Math.sqrt(hiddenSize);
    const drawn = (shape: number[]) => parameter(() => uniform_(torch.empty(shape, place), -bound, bound));
    this.weightIh = drawn([gates * hiddenSize, inputSize]);
    this.weightHh = drawn([gates * hiddenSize, hiddenSize]);
    this.biasIh = options.bias ? drawn([gates * hiddenSize]) : null;
    this.biasHh = options.bias ? drawn([gates * hiddenSize]) : null;
  }

  /** Runs `step` on a batch; input and states without one are lent it. */
  protected step(
    input: Tensor,
    given: readonly Tensor[] | null,
    count: number,
    step: (input: Tensor, states: Tensor[]) => Tensor[],
  ): Tensor[] {
    try {
      const { ndim } = input;
      if (ndim !== 1 && ndim !== 2) throw new ShapeError(`the input must have 1 or 2 dimensions, not ${ndim}.`);
      const batched = ndim === 2 ? input : input.unsqueeze(0);
      const { dtype, device } = batched;
      const zeros = (): Tensor => torch.zeros([batched.size(0), this.hiddenSize], { dtype, device });
      const states = Array.from({ length: count }, (_, index) => {
        const state = given?.[index];
        return state === undefined ? zeros() : ndim === 2 ? state : state.unsqueeze(0);
      });
      const results = step(batched, states);
      return ndim === 2 ? results : results.map((result) => result.squeeze(0));
    } catch (error) {
      throw inLayer(this, { input }, error);
    }
  }

  override extraRepr(): string {
    const { inputSize, hiddenSize, biasIh } = this;
    return listValues({ inputSize, hiddenSize, bias: biasIh === null ? false : undefined });
  }
}

/** One step of RNN. */
export class RNNCell extends RecurrentCell {
  readonly nonlinearity: 'tanh' | 'relu';

  constructor(inputSize: number, hiddenSize: number, options: CellOptions & { nonlinearity?: 'tanh' | 'relu' } = {}) {
    const read = readOptions<Required<CellOptions> & { nonlinearity: 'tanh' | 'relu' }>('RNNCell', options, {
      ...defaults,
      nonlinearity: 'tanh',
    });
    super(inputSize, hiddenSize, read, 1);
    this.nonlinearity = checkOneOf('RNNCell', 'nonlinearity', read.nonlinearity, ['tanh', 'relu']);
  }

  /** @param input [batch, inputSize] or [inputSize] @param state [batch, hiddenSize] or [hiddenSize]; zeros if left out */
  override forward(input: Tensor, state: Tensor | null = null): Tensor {
    const run = torchFunction<typeof torch.gruCell>(this.nonlinearity === 'tanh' ? 'rnnTanhCell' : 'rnnReluCell');
    return this.step(input, state && [state], 1, (batch, [hidden]) => [
      run(batch, hidden!, this.weightIh, this.weightHh, this.biasIh, this.biasHh),
    ])[0]!;
  }
}

/** One step of GRU. */
export class GRUCell extends RecurrentCell {
  constructor(inputSize: number, hiddenSize: number, options: CellOptions = {}) {
    super(inputSize, hiddenSize, readOptions('GRUCell', options, defaults), 3);
  }

  /** @param input [batch, inputSize] or [inputSize] @param state [batch, hiddenSize] or [hiddenSize]; zeros if left out */
  override forward(input: Tensor, state: Tensor | null = null): Tensor {
    return this.step(input, state && [state], 1, (batch, [hidden]) => [
      torch.gruCell(batch, hidden!, this.weightIh, this.weightHh, this.biasIh, this.biasHh),
    ])[0]!;
  }
}

/** One step of LSTM. */
export class LSTMCell extends RecurrentCell {
  constructor(inputSize: number, hiddenSize: number, options: CellOptions = {}) {
    super(inputSize, hiddenSize, readOptions('LSTMCell', options, defaults), 4);
  }

  /** @param state hidden and cell state, each [batch, hiddenSize] or [hiddenSize]; zeros if left out */
  override forward(
    input: Tensor,
    state: readonly [hidden: Tensor, cell: Tensor] | null = null,
  ): [hidden: Tensor, cell: Tensor] {
    const [hidden, cell] = this.step(input, state, 2, (batch, states) =>
      torch.lstmCell(batch, states, this.weightIh, this.weightHh, this.biasIh, this.biasHh),
    );
    return [hidden!, cell!];
  }
}
