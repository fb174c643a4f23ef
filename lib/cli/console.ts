/** Shows a study's events: a progress bar on a terminal, plain lines elsewhere. Progress goes to stderr, results to stdout. */
import { SingleBar } from 'cli-progress';

import type { DataProgress, PairProgress } from '../data';
import { formatMetrics } from '../metrics';
import type { SamplesEvent, StudyEvent } from '../study';
import { oneLine } from '../study/shared/table';
import type { StepEvent } from '../train';
import { amountOf, describeProgress } from './data-progress';

/** Without a terminal, a line of progress this often. */
const lineEveryMs = 10_000;

/** What a line has room for; the whole is in the report. */
const clipped = (text: string) => (text.length > 240 ? `${text.slice(0, 239)}…` : text);

export class StudyConsole {
  readonly #terminal = process.stderr.isTTY;
  #bar: SingleBar | undefined;
  /** What the bar counts. */
  #stage = 'training';
  #title = '';
  #evaluation = '';
  #said = new Set<string>();
  #lastLine = performance.now();

  readonly show = (event: StudyEvent): void => {
    switch (event.type) {
      case 'data':
        return this.#data(event.progress);
      case 'prepared':
        this.#endBar();
        return this.#say(`Data: ${event.description}`);
      case 'variant':
        this.#title = event.count > 1 ? `${event.title} (${event.number} of ${event.count})` : event.title;
        return this.#say(
          `\n${this.#title}: ${event.parameters.toLocaleString('en-US')} parameters, in ${event.folder}`,
        );
      case 'step':
        return this.#step(event);
      case 'evaluationBatch':
        return this.#evaluationBatch(event.batch, event.batches);
      case 'evaluation':
        this.#evaluation = `eval loss ${(event.metrics.eval_loss ?? NaN).toFixed(4)}`;
        this.#bar?.update({ note: this.#evaluation });
        if (!this.#terminal)
          this.#say(`${this.#title}: step ${event.step}, ${this.#evaluation}${event.best ? ', the best so far' : ''}`);
        return;
      case 'end':
        return this.#endBar();
      case 'report':
        this.#endBar();
        console.log(`\n${event.title}\n${formatMetrics(event.split, event.metrics)}`);
        return;
      case 'translation':
        return this.#translation(event.done, event.total);
      case 'samples':
        this.#endBar();
        return this.#samples(event);
      case 'resumed':
        return this.#say(`${event.title}: trained before, in ${event.folder}`);
      case 'failure':
        this.#endBar();
        return this.#say(`${event.title} failed: ${event.message}`);
      case 'checkpoint':
      case 'comparison':
    }
  };

  /** Takes the bar away, so that what follows begins on a line of its own. */
  close(): void {
    this.#endBar();
  }

  #data(progress: DataProgress | PairProgress): void {
    const what = describeProgress(progress);
    const amount = amountOf(progress);
    if (amount && this.#terminal) {
      this.#openBar(what, amount.total, what, amount.show).update(amount.done);
      return;
    }
    this.#endBar();
    const isNew = !this.#said.has(what);
    this.#said.add(what);
    // Text is mostly read in a moment; where it takes longer, that is told.
    if (isNew && !(progress.stage === 'read' && amount)) this.#say(what);
    else if (amount) this.#sayNowAndThen(`${what}: ${amount.show(amount.done)} of ${amount.show(amount.total)}`);
  }

  #step(event: StepEvent): void {
    if (this.#terminal) {
      this.#openBar('training', event.totalSteps ?? event.step, this.#title).update(event.step, {
        loss: `loss ${event.loss.toFixed(4)}`,
        note: this.#evaluation,
      });
      return;
    }
    this.#sayNowAndThen(
      `${this.#title}: step ${event.step} of ${event.totalSteps}, epoch ${event.epoch.toFixed(2)}, loss ${event.loss.toFixed(4)}, ` +
        `${Math.round(event.tokens / event.seconds)} tokens/s`,
    );
  }

  /** During training, a note on its bar; the last evaluation has a bar of its own. */
  #evaluationBatch(batch: number, batches: number): void {
    const note = `evaluating ${batch}/${batches}`;
    if (!this.#terminal) return this.#sayNowAndThen(`${this.#title}: ${note}`);
    if (this.#bar !== undefined && this.#stage === 'training') this.#bar.update({ note });
    else this.#openBar('evaluating', batches, 'evaluating').update(batch);
  }

  #translation(done: number, total: number): void {
    if (!this.#terminal) return this.#sayNowAndThen(`${this.#title}: translated ${done} of ${total}`);
    this.#openBar('translating', total, 'translating').update(done);
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
      for (const [name, line] of lines) console.log(`  ${name.padEnd(11)}${clipped(oneLine(line))}`);
      console.log('');
    }
  }

  /** The bar of this stage: the one that is there, or a new one. */
  #openBar(stage: string, total: number, title: string, show: (value: number) => string = String): SingleBar {
    if (this.#bar !== undefined && this.#stage === stage && this.#bar.getTotal() === total) return this.#bar;
    this.#endBar();
    this.#stage = stage;
    const bar = new SingleBar({
      format: '{title} {bar} {value}/{total}  {loss}  {note}  {eta_formatted} left',
      hideCursor: true,
      clearOnComplete: true,
      formatValue: (value, _, type) => (type === 'value' || type === 'total' ? show(value) : String(value)),
      stream: process.stderr,
    });
    bar.start(total, 0, { title, loss: '', note: '' });
    this.#bar = bar;
    return bar;
  }

  #endBar(): void {
    this.#bar?.stop();
    this.#bar = undefined;
    this.#evaluation = '';
  }

  #sayNowAndThen(line: string): void {
    if (performance.now() - this.#lastLine >= lineEveryMs) this.#say(line);
  }

  #say(line: string): void {
    this.#lastLine = performance.now();
    console.error(line);
  }
}
