/** Schedules in steps, along lines and powers. All with the arithmetic of `torch.optim.lr_scheduler`. */
import { ArgumentError } from '../../errors';
import type { Optimizer } from '../optimizer';
import { finiteNumber, integerFrom, LRScheduler, perGroup, within, type StartOptions } from './scheduler';

type Factor = (step: number) => number;

function factors(optimizer: Optimizer, lrLambda: Factor | readonly Factor[]): Factor[] {
  const each = perGroup<Factor>('lrLambda', optimizer, lrLambda);
  if (each.every((factor) => typeof factor === 'function')) return each;
  throw new ArgumentError('lrLambda must be a function of the step, or one for each group.');
}

export interface LambdaLROptions extends StartOptions {
  /** What the first learning rate is multiplied by at a step; one for all groups, or one for each. */
  lrLambda: Factor | readonly Factor[];
}

/** The first learning rate times a function of the step. */
export class LambdaLR extends LRScheduler<{ factors: Factor[] }> {
  constructor(optimizer: Optimizer, { lrLambda, lastEpoch }: LambdaLROptions) {
    super(optimizer, { factors: factors(optimizer, lrLambda) }, lastEpoch);
  }

  protected override chained(): number[] {
    return this.baseLrs.map((lr, index) => lr * this.options.factors[index]!(this.lastEpoch));
  }
}

/** The learning rate of the step before times a function of the step. */
export class MultiplicativeLR extends LRScheduler<{ factors: Factor[] }> {
  constructor(optimizer: Optimizer, { lrLambda, lastEpoch }: LambdaLROptions) {
    super(optimizer, { factors: factors(optimizer, lrLambda) }, lastEpoch);
  }

  protected override chained(): number[] {
    if (this.isInitial) return this.currentRates();
    return this.currentRates().map((lr, index) => lr * this.options.factors[index]!(this.lastEpoch));
  }
}

export interface StepLROptions extends StartOptions {
  /** Steps after which the learning rate is multiplied by `gamma`. */
  stepSize: number;
  /** Default 0.1. */
  gamma?: number;
}

/** Multiplies by `gamma` every `stepSize` steps. */
export class StepLR extends LRScheduler<{ stepSize: number; gamma: number }> {
  constructor(optimizer: Optimizer, { stepSize, gamma = 0.1, lastEpoch }: StepLROptions) {
    super(
      optimizer,
      { stepSize: integerFrom(1, 'stepSize', stepSize), gamma: finiteNumber('gamma', gamma) },
      lastEpoch,
    );
  }

  protected override chained(): number[] {
    const { stepSize, gamma } = this.options;
    if (this.lastEpoch === 0 || this.lastEpoch % stepSize !== 0) return this.currentRates();
    return this.currentRates().map((lr) => lr * gamma);
  }

  protected override closed(): number[] {
    const { stepSize, gamma } = this.options;
    return this.baseLrs.map((lr) => lr * gamma ** Math.floor(this.lastEpoch / stepSize));
  }
}

export interface MultiStepLROptions extends StartOptions {
  /** Steps at which the learning rate is multiplied by `gamma`; one given twice counts twice. */
  milestones: readonly number[];
  /** Default 0.1. */
  gamma?: number;
}

/** Multiplies by `gamma` at given steps. */
export class MultiStepLR extends LRScheduler<{ milestones: number[]; gamma: number }> {
  constructor(optimizer: Optimizer, { milestones, gamma = 0.1, lastEpoch }: MultiStepLROptions) {
    const list: unknown = milestones;
    if (!Array.isArray(list)) throw new ArgumentError('milestones must be an array of steps.');
    for (const milestone of milestones) integerFrom(0, 'A milestone', milestone);
    super(optimizer, { milestones: [...milestones], gamma: finiteNumber('gamma', gamma) }, lastEpoch);
  }

  protected override chained(): number[] {
    const { milestones, gamma } = this.options;
    const count = milestones.filter((milestone) => milestone === this.lastEpoch).length;
    return count === 0 ? this.currentRates() : this.currentRates().map((lr) => lr * gamma ** count);
  }

  protected override closed(): number[] {
    const { milestones, gamma } = this.options;
    const count = milestones.filter((milestone) => milestone <= this.lastEpoch).length;
    return this.baseLrs.map((lr) => lr * gamma ** count);
  }
}

export interface ConstantLROptions extends StartOptions {
  /** Above 0, at most 1. Default 1/3. */
  factor?: number;
  /** Steps after which the factor is taken away. Default 5. */
  totalIters?: number;
}

/** Multiplies by `factor` until step `totalIters`. */
export class ConstantLR extends LRScheduler<{ factor: number; totalIters: number }> {
  constructor(optimizer: Optimizer, { factor = 1 / 3, totalIters = 5, lastEpoch }: ConstantLROptions = {}) {
    const options = {
      factor: within('factor', factor, Number.MIN_VALUE, 1),
      totalIters: integerFrom(0, 'totalIters', totalIters),
    };
    super(optimizer, options, lastEpoch);
  }

  protected override chained(): number[] {
    const { factor, totalIters } = this.options;
    if (this.lastEpoch === 0) return this.currentRates().map((lr) => lr * factor);
    return this.lastEpoch === totalIters ? this.currentRates().map((lr) => lr * (1 / factor)) : this.currentRates();
  }

  protected override closed(): number[] {
    const { factor, totalIters } = this.options;
    return this.baseLrs.map((lr) => lr * (factor + (this.lastEpoch >= totalIters ? 1 : 0) * (1 - factor)));
  }
}

export interface LinearLROptions extends StartOptions {
  /** At the first step; above 0, at most 1. Default 1/3. */
  startFactor?: number;
  /** At step `totalIters` and after it; from 0 to 1. Default 1. */
  endFactor?: number;
  /** Default 5. */
  totalIters?: number;
}

/** Multiplies by a factor on the line from `startFactor` to `endFactor`. */
export class LinearLR extends LRScheduler<Required<Omit<LinearLROptions, 'lastEpoch'>>> {
  constructor(
    optimizer: Optimizer,
    { startFactor = 1 / 3, endFactor = 1, totalIters = 5, lastEpoch }: LinearLROptions = {},
  ) {
    const options = {
      startFactor: within('startFactor', startFactor, Number.MIN_VALUE, 1),
      endFactor: within('endFactor', endFactor, 0, 1),
      totalIters: integerFrom(1, 'totalIters', totalIters),
    };
    super(optimizer, options, lastEpoch);
  }

  protected override chained(): number[] {
    const { startFactor, endFactor, totalIters } = this.options;
    if (this.lastEpoch === 0) return this.currentRates().map((lr) => lr * startFactor);
    if (this.isInitial || this.lastEpoch > totalIters) return this.currentRates();
    const slope = endFactor - startFactor;
    const factor = 1 + slope / (totalIters * startFactor + (this.lastEpoch - 1) * slope);
    return this.currentRates().map((lr) => lr * factor);
  }

  protected override closed(): number[] {
    const { startFactor, endFactor, totalIters } = this.options;
    const slope = endFactor - startFactor;
    return this.baseLrs.map((lr) => lr * (startFactor + (slope * Math.min(totalIters, this.lastEpoch)) / totalIters));
  }
}

export interface ExponentialLROptions extends StartOptions {
  gamma: number;
}

/** Multiplies by `gamma` at every step. */
export class ExponentialLR extends LRScheduler<{ gamma: number }> {
  constructor(optimizer: Optimizer, { gamma, lastEpoch }: ExponentialLROptions) {
    super(optimizer, { gamma: finiteNumber('gamma', gamma) }, lastEpoch);
  }

  protected override chained(): number[] {
    return this.isInitial ? this.currentRates() : this.currentRates().map((lr) => lr * this.options.gamma);
  }

  protected override closed(): number[] {
    return this.baseLrs.map((lr) => lr * this.options.gamma ** this.lastEpoch);
  }
}

export interface PolynomialLROptions extends StartOptions {
  /** The step at which the learning rate is 0. Default 5. */
  totalIters?: number;
  /** Default 1. */
  power?: number;
}

/** Falls to 0 at step `totalIters` with a power of the steps that remain. */
export class PolynomialLR extends LRScheduler<{ totalIters: number; power: number }> {
  constructor(optimizer: Optimizer, { totalIters = 5, power = 1, lastEpoch }: PolynomialLROptions = {}) {
    const options = {
      totalIters: integerFrom(1, 'totalIters', totalIters),
      power: within('power', power, 0, Number.MAX_VALUE),
    };
    super(optimizer, options, lastEpoch);
  }

  protected override chained(): number[] {
    const { totalIters, power } = this.options;
    if (this.isInitial || this.lastEpoch > totalIters) return this.currentRates();
    const factor = ((1 - this.lastEpoch / totalIters) / (1 - (this.lastEpoch - 1) / totalIters)) ** power;
    return this.currentRates().map((lr) => lr * factor);
  }

  protected override closed(): number[] {
    const { totalIters, power } = this.options;
    return this.baseLrs.map((lr) => lr * (1 - Math.min(totalIters, this.lastEpoch) / totalIters) ** power);
  }
}
