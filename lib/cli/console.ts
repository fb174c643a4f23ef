/** Shows a study's events: a progress bar on a terminal, plain lines elsewhere. Progress goes to stderr, results to stdout. */
import type { DataProgress, PairProgress } from '../data';
import { formatMetrics } from '../metrics';
import type { SamplesEvent, StudyEvent } from '../study';
import { oneLine } from '../study/shared/table';
import { ProgressBar } from '../train/record/progress/progress-bar';
import { ProgressLine } from '../train/record/progress/progress-line';
import { amountOf, describeProgress } from './data-progress';
import { harmless } from './lines';

/** What a line has room for; the whole is in the report. */
const clipped = (text: string) => (text.length > 240 ? `${text.slice(0, 239)}…` : text);

export class StudyConsole {
  readonly #bar = new ProgressBar(process.stderr);
  #title = '';
  #training = new ProgressLine({ stream: this.#bar });
  #said = new Set<string>();

  readonly show = (event: StudyEvent): void => {
    switch (event.type) {
      case 'data':
        return this.#data(event.progress);
      case 'prepared':
        return this.#bar.say(`Data: ${event.description}`);
      case 'variant':
        this.#title = event.count > 1 ? `${event.title} (${event.number} of ${event.count})` : event.title;
        this.#training = new ProgressLine({ title: this.#title, stream: this.#bar });
        return this.#bar.say(
          `\n${this.#title}: ${event.parameters.toLocaleString('en-US')} parameters, in ${event.folder}`,
        );
      case 'report':
        this.#bar.end();
        console.log(`\n${event.title}\n${formatMetrics(event.split, event.metrics)}`);
        return;
      case 'translation':
        return this.#translation(event.done, event.total);
      case 'samples':
        this.#bar.end();
        return this.#samples(event);
      case 'resumed':
        return this.#bar.say(`${event.title}: trained before, in ${event.folder}`);
      case 'failure':
        return this.#bar.say(`${event.title} failed: ${event.message}`);
      case 'comparison':
        return;
      default:
        this.#training.onEvent(event);
    }
  };

  /** Takes the bar away, so that what follows begins on a line of its own. */
  close(): void {
    this.#bar.end();
  }

  #data(progress: DataProgress | PairProgress): void {
    const title = describeProgress(progress);
    const amount = amountOf(progress);
    if (amount && this.#bar.isTerminal) {
      const { total, done, show } = amount;
      return this.#bar.draw({ title, total, show }, done, '');
    }
    this.#bar.end();
    const isNew = !this.#said.has(title);
    this.#said.add(title);
    // Text is mostly read in a moment; where it takes longer, that is told.
    if (isNew && !(progress.stage === 'read' && amount)) this.#bar.say(title);
    else if (amount)
      this.#bar.sayNowAndThen(() => `${title}: ${amount.show(amount.done)} of ${amount.show(amount.total)}`);
  }

  #translation(done: number, total: number): void {
    if (this.#bar.isTerminal) this.#bar.draw({ title: 'translating', total }, done, '');
    else this.#bar.sayNowAndThen(() => `${this.#title}: translated ${done} of ${total}`);
  }

  #samples({ title, samples }: SamplesEvent): void {
    console.log(`\n${title}`);
    for (const sample of samples) {
      const { source, reference, text } = sample;
      const lines = [
        ['given', source],
        ...(reference === null ? [] : [['reference', reference]]),
        ['model', text],
      ] as const;
      for (const [name, line] of lines) console.log(`  ${name.padEnd(11)}${clipped(harmless(oneLine(line)))}`);
      console.log('');
    }
  }
}
