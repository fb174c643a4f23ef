/** How fast a training is, what it takes of the machine, and how long it will take. */
import { native } from '../../native';
import { withSignal } from '../../tensor';
import { autocastOf, type Precision } from '../config';

/** Speed and memory as a step leaves them. */
export interface StepSpeed {
  /** Tokens of the last steps by their wall seconds; evaluations and checkpoints do not count. */
  tokensPerSecond: number;
  /**
   * Model FLOPs utilisation: operations that the model needs for these tokens, by its cost model, as a part of what the device's matrix
   * products reach in this precision. 1 is all of it; null where nobody says how many operations a token takes.
   */
  mfu: number | null;
  memory: StepMemory;
  /** Seconds until the last step, at the mean pace so far, evaluations included; null where nobody knows how many steps there are. */
  remaining: number | null;
}

/** In bytes. */
export interface StepMemory {
  /** Resident memory of the process, and the most it has had. */
  resident: number;
  peak: number;
  /** What tensors hold on the accelerator, and the most they have; only where training runs on one. */
  device?: number;
  peakDevice?: number;
}

interface MeterOptions {
  /** Operations of training on a token, forward and backward. */
  flopsPerToken: number | null;
  precision: Precision;
  device: string;
}

/** What is measured. */
export interface MeasuredStep {
  step: number;
  totalSteps: number | null;
  tokens: number;
  seconds: number;
  elapsed: number;
}

/** Steps in the moving mean. */
const windowSteps = 20;
/** Asking the system for memory costs more than all the rest of a step's measuring. */
const memoryEveryMs = 200;

export class Meter {
  readonly #device: string;
  /** Part of the device's speed that a token a second takes. */
  readonly #share: number | null;
  readonly #window: { tokens: number; seconds: number }[] = [];
  /** Where the pace is counted from. */
  #from: { step: number; elapsed: number } | undefined;
  #memory: StepMemory | undefined;
  #looked = -Infinity;

  private constructor(device: string, share: number | null) {
    this.#device = device;
    this.#share = share;
  }

  /** Measures first what the device can do, if no training of this process has. @throws AbortError */
  static async open(
    { flopsPerToken, precision, device }: MeterOptions,
    signal: AbortSignal | undefined,
  ): Promise<Meter> {
    if (flopsPerToken === null) return new Meter(device, null);
    const dtype = autocastOf(precision) ?? 'float32';
    const peak = await withSignal(signal, (token) => native.matrixPeak(token, device, dtype));
    return new Meter(device, flopsPerToken / peak);
  }

  measure({ step, totalSteps, tokens, seconds, elapsed }: MeasuredStep): StepSpeed {
    this.#window.push({ tokens, seconds });
    if (this.#window.length > windowSteps) this.#window.shift();
    const sums = this.#window.reduce((sum, part) => ({
      tokens: sum.tokens + part.tokens,
      seconds: sum.seconds + part.seconds,
    }));
    const tokensPerSecond = sums.tokens / sums.seconds;
    return {
      tokensPerSecond,
      mfu: this.#share === null ? null : tokensPerSecond * this.#share,
      memory: this.#look(),
      remaining: this.#remaining(step, totalSteps, seconds, elapsed),
    };
  }

  /** The first step, in which memory is taken and caches are filled, tells the pace only as long as it is alone. */
  #remaining(step: number, totalSteps: number | null, seconds: number, elapsed: number): number | null {
    const from = (this.#from ??= { step, elapsed });
    if (totalSteps === null) return null;
    const pace = step === from.step ? seconds : (elapsed - from.elapsed) / (step - from.step);
    return pace * (totalSteps - step);
  }

  #look(): StepMemory {
    const now = performance.now();
    if (this.#memory === undefined || now - this.#looked > memoryEveryMs) {
      this.#looked = now;
      this.#memory = { resident: process.memoryUsage.rss(), peak: process.resourceUsage().maxRSS * 1024 };
      if (this.#device !== 'cpu') {
        const { allocated, peak } = native.deviceMemory(this.#device);
        Object.assign(this.#memory, { device: allocated, peakDevice: peak });
      }
    }
    return this.#memory;
  }
}
