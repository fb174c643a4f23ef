/** A training's progress for somebody who watches. */
import type { Metrics } from '../../../metrics';
import type { EndEvent, StepEvent, TrainEvent } from '../../events';
import { describeDuration, describeEvaluation, describeStep } from './describe';
import { ProgressBar } from './progress-bar';

interface ProgressLineOptions {
  title?: string;
  stream?: NodeJS.WriteStream | ProgressBar;
}

/**
 * An observer that shows where a training stands: on a terminal one line that is drawn anew, elsewhere a plain line every ten seconds.
 *
 *     await new Trainer(model, { data, observers: [new ProgressLine()] }).run();
 */
export class ProgressLine {
  readonly #bar: ProgressBar;
  readonly #title: string;
  #evaluation: Metrics | undefined;
  #last: StepEvent | undefined;

  /** @param options - `title`: what is trained; `stream`: where lines go, or a bar that is there; by default the standard error */
  constructor({ title = 'training', stream = process.stderr }: ProgressLineOptions = {}) {
    this.#title = title;
    this.#bar = stream instanceof ProgressBar ? stream : new ProgressBar(stream);
  }

  readonly onEvent = (event: TrainEvent): void => {
    switch (event.type) {
      case 'start': {
        const from = event.resumedFrom === null ? '' : `, from ${event.resumedFrom}`;
        if (event.step > 0) this.#bar.say(`${this.#title}: goes on after step ${event.step}${from}`);
        return;
      }
      case 'step':
        return this.#step(event);
      case 'evaluationBatch':
        return this.#evaluationBatch(event.batch, event.batches);
      case 'evaluation': {
        this.#evaluation = event.metrics;
        const best = event.best ? ', the best so far' : '';
        if (!this.#bar.isTerminal)
          this.#bar.say(`${this.#title}: step ${event.step}, ${describeEvaluation(event.metrics)}${best}`);
        return;
      }
      case 'warning':
        return this.#bar.say(`${this.#title}: ${event.message}`);
      case 'paused':
        return this.#bar.say(`${this.#title}: paused after step ${event.step}`);
      case 'end':
        return this.#end(event);
      default:
    }
  };

  /** Takes the line away. */
  close(): void {
    this.#bar.end();
  }

  #step(event: StepEvent): void {
    this.#last = event;
    const { step, totalSteps, epoch } = event;
    const parts = () => describeStep(event, this.#evaluation);
    if (this.#bar.isTerminal)
      return this.#bar.draw({ title: this.#title, total: totalSteps }, step, parts().join('  '));
    const of = totalSteps === null ? '' : ` of ${totalSteps}`;
    this.#bar.sayNowAndThen(() =>
      [`${this.#title}: step ${step}${of}, epoch ${epoch.toFixed(2)}`, ...parts()].join(', '),
    );
  }

  /** During training a note behind the bar; an evaluation before it or after it has a bar of its own. */
  #evaluationBatch(batch: number, batches: number | null): void {
    const note = `evaluating ${batch}${batches === null ? '' : `/${batches}`}`;
    if (!this.#bar.isTerminal) return this.#bar.sayNowAndThen(() => `${this.#title}: ${note}`);
    if (this.#last && this.#last.step !== this.#last.totalSteps) this.#bar.note(note);
    else this.#bar.draw({ title: 'evaluating', total: batches }, batch, '');
  }

  #end({ step, reason, metrics }: EndEvent): void {
    const seconds = metrics.train_runtime;
    const took = seconds === undefined ? '' : ` in ${describeDuration(seconds)}`;
    const ended = reason === 'steps' || reason === 'epochs' ? '' : ` (${reason})`;
    this.#bar.say(`${this.#title}: ${step} steps${took}${ended}`);
    this.#evaluation = this.#last = undefined;
  }
}
