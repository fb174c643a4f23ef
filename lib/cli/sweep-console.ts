/** Shows a sweep's events: a line for each training that runs and one for all of them on a terminal, plain lines elsewhere. On stderr. */
import { MultiBar, type SingleBar } from 'cli-progress';

import type { StudyEvent, SweepEvent, TrialEndEvent, TrialName } from '../study';
import { StudyConsole } from './console';

/** Without a terminal, a line about each training this often. */
const lineEveryMs = 10_000;

const percent = (done: number, total: number) => `${Math.round((100 * done) / total)} %`;

/** What is shown of a training. */
interface Line {
  name: string;
  bar: SingleBar | undefined;
  evaluation: string;
  /** When it was last told without a terminal. */
  told: number;
}

export class SweepConsole {
  readonly #data = new StudyConsole();
  readonly #bars: MultiBar | undefined;
  readonly #lines = new Map<string, Line>();
  #all: SingleBar | undefined;

  constructor() {
    if (!process.stderr.isTTY) return;
    this.#bars = new MultiBar({
      format: '{name} {bar} {value}/{total}  {note}',
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: true,
      barsize: 20,
      forceRedraw: true,
    });
  }

  readonly show = (event: SweepEvent): void => {
    switch (event.type) {
      case 'data':
      case 'prepared':
        return this.#data.show(event);
      case 'sweep':
        this.#data.close();
        this.#say(`${event.runs} trainings in ${event.folder}, ${event.processes} at a time`);
        this.#all = this.#bars?.create(event.runs, 0, { name: 'all', note: '' });
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
    const line = this.#lineOf(trial);
    if (event.type === 'step') {
      const { step, totalSteps, loss } = event;
      const of = totalSteps === null ? '' : ` of ${totalSteps}`;
      const note = [`loss ${loss.toFixed(4)}`, ...(line.evaluation === '' ? [] : [line.evaluation])].join(', ');
      if (this.#bars) {
        line.bar ??= this.#bars.create(totalSteps ?? step, 0, { name: line.name, note });
        line.bar.setTotal(totalSteps ?? step);
        line.bar.update(step, { note });
      } else if (performance.now() - line.told >= lineEveryMs) {
        line.told = performance.now();
        const share = totalSteps === null ? '' : ` (${percent(step, totalSteps)})`;
        this.#say(`${line.name}: step ${step}${of}${share}, ${note}`);
      }
    } else if (event.type === 'evaluation')
      line.evaluation = `eval loss ${(event.metrics['eval_loss'] ?? NaN).toFixed(4)}`;
    else if (event.type === 'warning') this.#say(`${line.name}: ${event.message}`);
  }

  #lineOf(trial: TrialName): Line {
    const known = this.#lines.get(trial.folder);
    if (known) return known;
    const line = { name: this.#nameOf(trial), bar: undefined, evaluation: '', told: performance.now() };
    this.#lines.set(trial.folder, line);
    if (!this.#bars) this.#say(`${line.name}: begins`);
    return line;
  }

  #nameOf({ number, title, seed }: TrialName): string {
    return `${number}: ${title}, seed ${seed}`;
  }

  #end({ trial, how, message, ended, runs }: TrialEndEvent): void {
    const line = this.#lines.get(trial.folder);
    if (line?.bar) this.#bars?.remove(line.bar);
    this.#lines.delete(trial.folder);
    this.#all?.update(ended);
    const words = { finished: 'finished', resumed: 'had ended before', diverged: 'diverged', failed: 'failed' };
    const evaluation = line && line.evaluation !== '' ? `, ${line.evaluation}` : '';
    this.#say(
      `${this.#nameOf(trial)}: ${words[how]}${evaluation}${message === null ? '' : `: ${message}`} (${ended} of ${runs})`,
    );
  }

  #say(text: string): void {
    if (this.#bars?.isActive) this.#bars.log(`${text}\n`);
    else console.error(text);
  }
}
