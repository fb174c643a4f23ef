/** Schedules that go up and down between bounds, with momentum the other way. The arithmetic is that of `torch.optim.lr_scheduler`. */
import { ArgumentError } from '../../errors';
import type { Optimizer } from '../optimizer';
import { checkMomentum, setMomentum } from './momentum';
import { finiteNumber, integerFrom, LRScheduler, oneOf, perGroup, within, type StartOptions } from './scheduler';

type PerGroup = number | readonly number[];

interface MomentumOptions extends StartOptions {
  /** Moves momentum, or the first of `betas`, against the learning rate. Default true. */
  cycleMomentum?: boolean;
  /** The lowest momentum; one for all groups, or one for each. */
  baseMomentum?: PerGroup;
  /** The highest momentum, where the learning rate is lowest. */
  maxMomentum?: PerGroup;
}

interface Momenta {
  cycleMomentum: boolean;
  baseMomentums: number[];
  maxMomentums: number[];
}

function numbers(name: string, optimizer: Optimizer, value: PerGroup): number[] {
  return perGroup<number>(name, optimizer, value).map((each) => finiteNumber(name, each));
}

/** Reads the options, and gives the groups their first momentum. */
function momenta(
  scheduler: string,
  optimizer: Optimizer,
  cycleMomentum: boolean,
  base: PerGroup,
  max: PerGroup,
  lastEpoch: number,
): Momenta {
  const baseMomentums = numbers('baseMomentum', optimizer, base);
  const maxMomentums = numbers('maxMomentum', optimizer, max);
  if (cycleMomentum) {
    checkMomentum(scheduler, optimizer);
    if (lastEpoch === -1) setMomentum(optimizer, maxMomentums);
  }
  return { cycleMomentum, baseMomentums, maxMomentums };
}

export interface CyclicLROptions extends MomentumOptions {
  /** The lowest learning rate; one for all groups, or one for each. */
  baseLr: PerGroup;
  maxLr: PerGroup;
  /** Steps of the way up. Default 2000. */
  stepSizeUp?: number;
  /** Steps of the way down; as many as up unless given. */
  stepSizeDown?: number;
  /** Whether all cycles are as high, each is half as high as the one before, or height falls by `gamma` at each step. Default `triangular`. */
  mode?: 'triangular' | 'triangular2' | 'exp_range';
  /** Default 1. */
  gamma?: number;
  /** Height of a cycle by its number from 1, or by the step; instead of `mode`. */
  scaleFn?: (at: number) => number;
  /** What `scaleFn` is given. Default `cycle`. */
  scaleMode?: 'cycle' | 'iterations';
}

interface Cycle extends Momenta {
  baseLrs: number[];
  maxLrs: number[];
  up: number;
  total: number;
  height: (cycle: number, step: number) => number;
}

/** Up and down along lines, again and again. Momentum defaults to 0.8 and 0.9. Source: Smith 2017, "Cyclical Learning Rates". */
export class CyclicLR extends LRScheduler<Cycle> {
  constructor(optimizer: Optimizer, options: CyclicLROptions) {
    const { stepSizeUp = 2000, stepSizeDown = stepSizeUp, cycleMomentum = true, lastEpoch = -1 } = options;
    const baseLrs = numbers('baseLr', optimizer, options.baseLr);
    const [up, down] = [integerFrom(1, 'stepSizeUp', stepSizeUp), integerFrom(1, 'stepSizeDown', stepSizeDown)];
    const cycle: Cycle = {
      baseLrs,
      maxLrs: numbers('maxLr', optimizer, options.maxLr),
      up,
      total: up + down,
      height: heightOf(options),
      ...momenta(
        'CyclicLR',
        optimizer,
        cycleMomentum,
        options.baseMomentum ?? 0.8,
        options.maxMomentum ?? 0.9,
        lastEpoch,
      ),
    };
    if (lastEpoch === -1) {
      optimizer.groups.forEach((group, index) => {
        group.lr = baseLrs[index]!;
      });
    }
    super(optimizer, cycle, lastEpoch);
    this.baseLrs = baseLrs;
  }

  protected override chained(): number[] {
    const { baseLrs, maxLrs, up, total, height, cycleMomentum, baseMomentums, maxMomentums } = this.options;
    const cycle = Math.floor(1 + this.lastEpoch / total);
    const position = 1 + this.lastEpoch / total - cycle;
    const ratio = up / total;
    const part = position <= ratio ? position / ratio : (position - 1) / (ratio - 1);
    const scale = height(cycle, this.lastEpoch);
    if (cycleMomentum) {
      const lowered = maxMomentums.map((max, index) => max - (max - baseMomentums[index]!) * part * scale);
      setMomentum(this.optimizer, lowered);
    }
    return baseLrs.map((base, index) => base + (maxLrs[index]! - base) * part * scale);
  }
}

function heightOf({ mode = 'triangular', gamma = 1, scaleFn, scaleMode = 'cycle' }: CyclicLROptions): Cycle['height'] {
  finiteNumber('gamma', gamma);
  if (scaleFn !== undefined) {
    if (typeof scaleFn !== 'function') throw new ArgumentError('scaleFn must be a function.');
    return oneOf('scaleMode', scaleMode, ['cycle', 'iterations']) === 'cycle'
      ? (cycle) => scaleFn(cycle)
      : (_cycle, step) => scaleFn(step);
  }
  switch (oneOf('mode', mode, ['triangular', 'triangular2', 'exp_range'])) {
    case 'triangular':
      return () => 1;
    case 'triangular2':
      return (cycle) => 1 / 2 ** (cycle - 1);
    case 'exp_range':
      return (_cycle, step) => gamma ** step;
  }
}

export interface OneCycleLROptions extends MomentumOptions {
  /** The highest learning rate; one for all groups, or one for each. */
  maxLr: PerGroup;
  /** Steps of the cycle; or give `epochs` and `stepsPerEpoch`. */
  totalSteps?: number;
  epochs?: number;
  stepsPerEpoch?: number;
  /** Part of the cycle in which the learning rate rises. Default 0.3. */
  pctStart?: number;
  /** Default `cos`. */
  annealStrategy?: 'cos' | 'linear';
  /** The first learning rate is `maxLr` over this. Default 25. */
  divFactor?: number;
  /** The last learning rate is the first over this. Default 1e4. */
  finalDivFactor?: number;
  /** Goes down to the first learning rate in as many steps as up, and to the last in those that remain. Default false. */
  threePhase?: boolean;
}

interface Phase {
  /** The step at which it ends; a fraction too. */
  end: number;
  lrs: { from: number[]; to: number[] };
  momentums: { from: number[]; to: number[] };
}

/**
 * One way up and one way down, for all of a training. Momentum defaults to 0.85 and 0.95. Source: Smith and Topin 2018,
 * "Super-Convergence".
 */
export class OneCycleLR extends LRScheduler<{ phases: Phase[]; totalSteps: number; linear: boolean } & Momenta> {
  constructor(optimizer: Optimizer, options: OneCycleLROptions) {
    const { pctStart = 0.3, annealStrategy = 'cos', divFactor = 25, finalDivFactor = 1e4 } = options;
    const { cycleMomentum = true, threePhase = false, lastEpoch = -1 } = options;
    const totalSteps = stepsOf(options);
    within('pctStart', pctStart, 0, 1);
    const linear = oneOf('annealStrategy', annealStrategy, ['cos', 'linear']) === 'linear';
    const max = numbers('maxLr', optimizer, options.maxLr);
    const first = max.map((lr) => lr / within('divFactor', divFactor, Number.MIN_VALUE, Number.MAX_VALUE));
    const last = first.map((lr) => lr / within('finalDivFactor', finalDivFactor, Number.MIN_VALUE, Number.MAX_VALUE));
    const momentum = momenta(
      'OneCycleLR',
      optimizer,
      cycleMomentum,
      options.baseMomentum ?? 0.85,
      options.maxMomentum ?? 0.95,
      lastEpoch,
    );
    const { baseMomentums: low, maxMomentums: high } = momentum;
    const top = pctStart * totalSteps - 1;
    const end = totalSteps - 1;
    const up = { end: top, lrs: { from: first, to: max }, momentums: { from: high, to: low } };
    const phases: Phase[] = threePhase
      ? [
          up,
          {
            end: 2 * pctStart * totalSteps - 2,
            lrs: { from: max, to: first },
            momentums: { from: low, to: high },
          },
          { end, lrs: { from: first, to: last }, momentums: { from: high, to: high } },
        ]
      : [up, { end, lrs: { from: max, to: last }, momentums: { from: low, to: high } }];
    if (lastEpoch === -1) {
      optimizer.groups.forEach((group, index) => {
        group.initialLr = first[index]!;
      });
    }
    super(optimizer, { phases, totalSteps, linear, ...momentum }, lastEpoch);
  }

  protected override chained(): number[] {
    const { phases, totalSteps, linear, cycleMomentum } = this.options;
    if (this.lastEpoch > totalSteps) {
      throw new ArgumentError(`OneCycleLR was made for ${totalSteps} steps; this is step ${this.lastEpoch}.`);
    }
    let index = phases.findIndex(({ end }) => this.lastEpoch <= end);
    if (index < 0) index = phases.length - 1;
    const { end, lrs, momentums } = phases[index]!;
    const start = index === 0 ? 0 : phases[index - 1]!.end;
    // The first phase may be a single step.
    const part = end === start ? 1 : (this.lastEpoch - start) / (end - start);
    const between = ({ from, to }: { from: number[]; to: number[] }) =>
      from.map((each, group) => anneal(each, to[group]!, part, linear));
    if (cycleMomentum) setMomentum(this.optimizer, between(momentums));
    return between(lrs);
  }
}

function anneal(from: number, to: number, part: number, linear: boolean): number {
  if (linear) return (to - from) * part + from;
  return to + ((from - to) / 2) * (1 + Math.cos(Math.PI * part));
}

function stepsOf({ totalSteps, epochs, stepsPerEpoch }: OneCycleLROptions): number {
  if (totalSteps !== undefined) return integerFrom(1, 'totalSteps', totalSteps);
  if (epochs !== undefined && stepsPerEpoch !== undefined) {
    return integerFrom(1, 'epochs', epochs) * integerFrom(1, 'stepsPerEpoch', stepsPerEpoch);
  }
  throw new ArgumentError('OneCycleLR needs totalSteps, or epochs and stepsPerEpoch.');
}
