/** Steps of a module with its own loss. They compute on the JavaScript thread, which has its turn for other things between their parts. */
import { AbortError, AutogradError, NonFiniteError } from '../../errors';
import type { JsonValue } from '../../json';
import type { Module } from '../../nn';
import { clipGradNorm, getTotalNorm, GradScaler, type Optimizer } from '../../optim';
import { autocast, noGrad, scope, type Tensor } from '../../tensor';
import { findNonFinite } from '../guards/find-non-finite';
import type { ModuleData } from '../modules/data';
import { figuresOf, lossOf, meanFigures, type CheckedLoss, type LossFigures, type LossFunction } from '../modules/loss';
import type { Rates } from './rates';
import type { StepRequest, StepResult, StepSplit, TrainStep } from './step';

export interface ModuleStepOptions<Net extends Module, Batch> {
  loss: LossFunction<Net, Batch>;
  optimizer: Optimizer;
  rates: Rates;
  maxGradNorm: number | null;
  /** Null for full precision. */
  precision: 'bfloat16' | 'float16' | null;
}

/** Lets timers, sockets and whatever else waits have its turn. */
export const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Computes a loss in mixed precision, where that is asked for. */
export function inPrecision<T>(
  net: Module,
  dtype: 'bfloat16' | 'float16' | null,
  compute: () => Promise<T>,
): Promise<T> {
  if (dtype === null) return compute();
  const [first] = net.parameters();
  return autocast({ device: first?.device.startsWith('cuda') ? 'cuda' : 'cpu', dtype }, compute);
}

export class ModuleStep<Net extends Module, Batch> implements TrainStep {
  readonly optimizer: Optimizer;
  readonly scaler: GradScaler | null;
  readonly #net: Net;
  readonly #data: ModuleData<Batch>;
  readonly #options: ModuleStepOptions<Net, Batch>;

  constructor(net: Net, data: ModuleData<Batch>, options: ModuleStepOptions<Net, Batch>) {
    this.#net = net;
    this.#data = data;
    this.#options = options;
    this.optimizer = options.optimizer;
    this.scaler = options.precision === 'float16' ? new GradScaler() : null;
  }

  async run({ steps, learningRate, signal }: StepRequest): Promise<StepResult | undefined> {
    const stopwatch = new Stopwatch();
    const batches: Batch[] = [];
    const parts: LossFigures[] = [];
    this.optimizer.zeroGrad();
    try {
      for await (const batch of this.#data.step(steps)) {
        stopwatch.lap('data');
        batches.push(batch);
        const first = parts.find(({ targets }) => targets > 0);
        parts.push(await scope(() => this.#learn(batch, first?.targets, signal, stopwatch)));
      }
      if (parts.length === 0) return undefined;
      return this.#update(parts, batches, learningRate, stopwatch);
    } finally {
      this.optimizer.zeroGrad();
    }
  }

  /** Adds a batch's gradients to those at hand. @param unit - targets of the step's first batch, which weighs 1 */
  async #learn(
    batch: Batch,
    unit: number | undefined,
    signal: AbortSignal | undefined,
    stopwatch: Stopwatch,
  ): Promise<LossFigures> {
    throwIfAborted(signal);
    const { loss: compute, precision } = this.#options;
    const checked = await inPrecision(this.#net, precision, () => lossOf(this.#net, batch, compute));
    stopwatch.lap('forward');
    await stopwatch.pause(turn);
    throwIfAborted(signal);
    if (checked.targets > 0) {
      this.#backward(checked, unit ?? checked.targets);
      stopwatch.lap('backward');
      await stopwatch.pause(turn);
      throwIfAborted(signal);
    }
    return figuresOf(checked);
  }

  /** Each loss is a mean over its batch's targets: weighed by them, the gradients make one mean over all of the step. */
  #backward({ loss, targets }: CheckedLoss, unit: number): void {
    if (!loss.requiresGrad)
      throw new AutogradError(
        'The loss function gave a loss without gradients, so nothing can be learned from it: it was detached, made of numbers or under ' +
          'noGrad, or no parameter that requires gradients has a part in it.',
      );
    const weighed = targets === unit ? loss : loss.mul(targets / unit);
    (this.scaler?.scale(weighed) ?? weighed).backward();
  }

  #update(
    parts: readonly LossFigures[],
    batches: readonly Batch[],
    learningRate: number,
    stopwatch: Stopwatch,
  ): StepResult {
    const { loss, targets, samples, metrics } = meanFigures(parts);
    const counts = { samples, targets, tokens: targets, split: stopwatch.split };
    // With nothing to predict there is no mean loss, and nothing to learn: no update.
    if (targets === 0) return { loss: 0, nll: 0, gradNorm: 0, learningRate, ...counts, nonFinite: null };
    const { rates } = this.#options;
    const scale = this.scaler?.currentScale;
    this.scaler?.unscale_(this.optimizer);
    const unit = parts.find((part) => part.targets > 0)!.targets;
    if (unit !== targets) this.#scaleGradients(unit / targets);
    const gradNorm = this.#clip();
    const isFinite = Number.isFinite(loss) && Number.isFinite(gradNorm);
    const nonFinite = isFinite ? null : findNonFinite(this.#net, batches, loss);
    rates.apply(learningRate);
    const used = rates.current;
    if (isFinite) {
      if (this.scaler) this.scaler.step(this.optimizer);
      else this.optimizer.step();
      rates.step();
    }
    this.scaler?.update();
    stopwatch.lap('optimizer');
    return {
      ...{ loss, nll: loss, gradNorm, learningRate: used, ...counts, nonFinite },
      ...(Object.keys(metrics).length > 0 && { metrics }),
      ...(scale !== undefined && { scale }),
    };
  }

  #scaleGradients(factor: number): void {
    scope(() => noGrad(() => this.#gradients().forEach((gradient) => gradient.mul_(factor))));
  }

  /** @returns the norm before; gradients that are not finite stay as they are */
  #clip(): number {
    const { maxGradNorm } = this.#options;
    if (!maxGradNorm) return scope(() => getTotalNorm(this.#gradients()));
    try {
      return clipGradNorm(this.optimizer.parameters(), maxGradNorm, { errorIfNonfinite: true });
    } catch (error) {
      if (error instanceof NonFiniteError) return scope(() => getTotalNorm(this.#gradients()));
      throw error;
    }
  }

  #gradients(): Tensor[] {
    return this.optimizer.parameters().flatMap(({ grad }) => grad ?? []);
  }

  evaluated(loss: number): void {
    this.#options.rates.evaluated(loss);
  }

  state(): JsonValue {
    return this.#options.rates.state();
  }

  restore(state: JsonValue): void {
    this.#options.rates.restore(state);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.optimizer.dispose();
    this.scaler?.dispose();
    await this.#data.close();
  }
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new AbortError('The step was broken off by its AbortSignal.', { cause: signal.reason });
}

/** Seconds by what they were spent on; those that others had are nobody's. */
class Stopwatch {
  readonly split: StepSplit = { data: 0, forward: 0, backward: 0, optimizer: 0 };
  #since = performance.now();

  lap(part: keyof StepSplit): void {
    const now = performance.now();
    this.split[part] += (now - this.#since) / 1000;
    this.#since = now;
  }

  async pause(others: () => Promise<void>): Promise<void> {
    await others();
    this.#since = performance.now();
  }
}
