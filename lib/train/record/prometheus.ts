/** Gauges of running trainings for Prometheus. */
import { checkArgument } from '../../arguments';
import type { TrainEvent } from '../events';

/** What is exposed: after the prefix, the name with its unit, and what it means. */
const gauges = {
  running: 'Whether the training is going on: 1, or 0 once it has ended.',
  step: 'Optimiser steps made.',
  total_steps: 'Optimiser steps planned.',
  epoch: 'Passes over the training data.',
  loss: 'Loss of the last step, in nats per target.',
  eval_loss: 'Loss of the last evaluation, in nats per target.',
  learning_rate: 'Learning rate of the last step.',
  gradient_norm: 'L2 norm of the gradients before clipping.',
  tokens_per_second: 'Tokens trained on per second, a mean over the last steps.',
  flops_utilization_ratio: "Model FLOPs utilisation: a part of what the device's matrix products reach.",
  step_seconds: 'Wall seconds of the last step.',
  elapsed_seconds: 'Seconds of training.',
  remaining_seconds: 'Seconds until the last step, as estimated.',
  resident_memory_bytes: 'Resident memory of the process.',
  device_memory_bytes: 'Memory of tensors on the accelerator.',
  checkpoint_step: 'Step of the last checkpoint.',
} as const;

type Values = Partial<Record<keyof typeof gauges, number>>;

/**
 * Gauges of trainings, for a server that Prometheus scrapes:
 *
 *     const gauges = new PrometheusGauges();
 *     const trainer = new Trainer(model, { data, observers: [gauges.of('nightly')] });
 *     server.get('/metrics', (_, reply) => reply.type(gauges.contentType).send(gauges.metrics()));
 *
 * Names begin with `torchwright_training_`, and the label `run` tells trainings apart. A server that has metrics of its own appends them: the
 * text is a whole exposition, and has no metric that others have.
 */
export class PrometheusGauges {
  /** Of what `metrics()` gives. */
  readonly contentType = 'text/plain; version=0.0.4; charset=utf-8';
  readonly #runs = new Map<string, Values>();

  /**
   * An observer of one training. One that has ended stays, so that its last values are scraped, until `forget` or another training of this
   * name.
   *
   * @param run - what the training is called
   */
  of(run: string): { onEvent(event: TrainEvent): void } {
    checkArgument(run, 'string', "A run's name");
    const values: Values = {};
    return {
      onEvent: (event) => {
        if (event.type === 'start') this.#runs.set(run, values);
        Object.assign(values, valuesOf(event));
      },
    };
  }

  /** Takes away the gauges of a training. */
  forget(run: string): void {
    this.#runs.delete(run);
  }

  /** All gauges as they are now, in Prometheus' text format. */
  metrics(): string {
    return Object.entries(gauges)
      .map(([gauge, help]) => this.#family(gauge as keyof typeof gauges, help))
      .join('');
  }

  #family(gauge: keyof typeof gauges, help: string): string {
    const name = `torchwright_training_${gauge}`;
    const samples = [...this.#runs].flatMap(([run, { [gauge]: value }]) =>
      value === undefined ? [] : [`${name}{run="${escaped(run)}"} ${shown(value)}\n`],
    );
    return samples.length === 0 ? '' : `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${samples.join('')}`;
  }
}

function valuesOf(event: TrainEvent): Values {
  switch (event.type) {
    case 'start':
      return { running: 1, step: event.step, ...(event.totalSteps !== null && { total_steps: event.totalSteps }) };
    case 'step': {
      const { step, epoch, loss, learningRate, gradNorm, tokensPerSecond, mfu, seconds, elapsed, remaining } = event;
      const { resident, device } = event.memory;
      return {
        step,
        epoch,
        loss,
        learning_rate: learningRate,
        gradient_norm: gradNorm,
        tokens_per_second: tokensPerSecond,
        ...(mfu !== null && { flops_utilization_ratio: mfu }),
        step_seconds: seconds,
        elapsed_seconds: elapsed,
        ...(remaining !== null && { remaining_seconds: remaining }),
        resident_memory_bytes: resident,
        ...(device !== undefined && { device_memory_bytes: device }),
      };
    }
    case 'evaluation':
      return event.metrics.eval_loss === undefined ? {} : { eval_loss: event.metrics.eval_loss };
    case 'checkpoint':
      return { checkpoint_step: event.step };
    case 'end':
      return { running: 0, remaining_seconds: 0 };
    default:
      return {};
  }
}

const escapes: Record<string, string> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' };
const escaped = (label: string) => label.replace(/[\\"\n]/g, (character) => escapes[character]!);

/** As Go writes floats. */
const shown = (value: number) => String(value).replace(/^(-?)Infinity$/, (_, sign: string) => `${sign || '+'}Inf`);
