/** Shows a sweep's events: on a terminal a line for each training that runs and one for all, plain lines elsewhere. On stderr. */
import { MultiBar, type SingleBar } from 'cli-progress';

import type { Metrics } from '../metrics';
import type { StudyEvent, SweepEvent, TrialEndEvent, TrialName } from '../study';
import { describeDuration, describeEvaluation, describeStep } from '../train/record/progress/describe';
import { StudyConsole } from './console';

/** Without a terminal, a line about each training this often. */
const lineEveryMs = 10_000;

/** A training that runs. */
interface Running {
  bar: SingleBar | undefined;
  evaluation: Metrics | undefined;
  /** When it was last told without a terminal. */
  told: number;
}

const outcomes = { finished: 'finished', resumed: 'had ended before', diverged: 'diverged', failed: 'failed' };
const nameOf = ({ number, title, seed }: TrialName) => `${number}: ${title}, seed ${seed}`;

export class SweepConsole {
  readonly #data = new StudyConsole();
  readonly #bars: MultiBar | undefined;
  readonly #running = new Map<string, Running>();
  #all: SingleBar | undefined;
  /** When the first training began, how many have ended since, and how many run at a time. */
  #began = 0;
  #trained = 0;
  #processes = 1;

  constructor() {
    if (!process.stderr.isTTY) return;
    const format = '{bar} {value}/{total}  {name}  {text}';
    this.#bars = new MultiBar({ format, barsize: 16, hideCursor: true, clearOnComplete: true, stream: process.stderr });
  }

  readonly show = (event: SweepEvent): void => {
    switch (event.type) {
      case 'data':
      case 'prepared':
        return this.#data.show(event);
      case 'sweep':
        this.#data.close();
        this.#say(`${event.runs} trainings in ${event.folder}, ${event.processes} at a time`);
        this.#all = this.#bars?.create(event.runs, 0, { name: 'all', text: '' });
        this.#began = performance.now();
        this.#processes = event.processes;
        return;
      case 'trial':
        return this.#trial(event.trial, event.event);
      case 'trialEnd':
        return this.#end(event);
      case 'table':
    }
  };

  /** Takes the bars away. */
  close(): void {
    this.#data.close();
    this.#bars?.stop();
  }

  #trial(trial: TrialName, event: StudyEvent): void {
    const running = this.#runningOf(trial);
    if (event.type === 'evaluation') running.evaluation = event.metrics;
    else if (event.type === 'warning') this.#say(`${nameOf(trial)}: ${event.message}`);
    else if (event.type === 'step') {
      const { step, totalSteps } = event;
      const parts = () => describeStep(event, running.evaluation);
      if (this.#bars) {
        const total = totalSteps ?? step;
        running.bar ??= this.#bars.create(total, 0, { name: nameOf(trial), text: '' });
        running.bar.setTotal(total);
        running.bar.update(step, { text: parts().join('  ') });
      } else if (performance.now() - running.told >= lineEveryMs) {
        running.told = performance.now();
        const of = totalSteps === null ? '' : ` of ${totalSteps}`;
        this.#say([`${nameOf(trial)}: step ${step}${of}`, ...parts()].join(', '));
      }
    }
  }

  #runningOf(trial: TrialName): Running {
    const known = this.#running.get(trial.folder);
    if (known) return known;
    const running = { bar: undefined, evaluation: undefined, told: performance.now() };
    this.#running.set(trial.folder, running);
    if (!this.#bars) this.#say(`${nameOf(trial)}: begins`);
    return running;
  }

  #end({ trial, how, message, ended, runs }: TrialEndEvent): void {
    const running = this.#running.get(trial.folder);
    if (running?.bar) this.#bars?.remove(running.bar);
    this.#running.delete(trial.folder);
    if (how !== 'resumed') this.#trained++;
    const left = this.#left(runs - ended);
    this.#all?.update(ended, { text: left });
    const evaluation = running?.evaluation ? `, ${describeEvaluation(running.evaluation)}` : '';
    const why = message === null ? '' : `: ${message}`;
    const place = [`${ended} of ${runs}`, ...(left === '' ? [] : [left])].join(', ');
    this.#say(`${nameOf(trial)}: ${outcomes[how]}${evaluation}${why} (${place})`);
  }

  /** What those that are left take, if each takes what the others have on the mean. */
  #left(runs: number): string {
    if (runs === 0 || this.#trained < this.#processes) return '';
    const seconds = (performance.now() - this.#began) / 1000;
    return `about ${describeDuration((seconds / this.#trained) * runs)} left`;
  }

  #say(line: string): void {
    if (this.#bars?.isActive) this.#bars.log(`${line}\n`);
    else console.error(line);
  }
}
