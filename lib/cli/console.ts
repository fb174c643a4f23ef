/** Shows a study's events: a progress bar on a terminal, plain lines elsewhere. Progress goes to stderr, results to stdout. */
import { SingleBar } from 'cli-progress';

import { formatMetrics } from '../metrics';
import type { StudyEvent } from '../study';
import type { StepEvent } from '../train';

/** Without a terminal, a line of progress this often. */
const lineEveryMs = 10_000;

export class StudyConsole {
  readonly #terminal = process.stderr.isTTY;
  #bar: SingleBar | undefined;
  #title = '';
  #evaluation = '';
  #said = new Set<string>();
  #lastLine = performance.now();

  readonly show = (event: StudyEvent): void => {
    switch (event.type) {
      case 'data':
        return this.#data(event.progress);
      case 'prepared':
        return this.#say(`Data: ${event.description}`);
      case 'variant':
        this.#title = event.count > 1 ? `${event.title} (${event.number} of ${event.count})` : event.title;
        return this.#say(`\n${this.#title}: ${event.parameters.toLocaleString('en-US')} parameters, in ${event.folder}`);
      case 'step':
        return this.#step(event);
      case 'evaluationBatch':
        this.#bar?.update({ note: `evaluating ${event.batch}/${event.batches}` });
        return;
      case 'evaluation':
        this.#evaluation = `eval loss ${(event.metrics.eval_loss ?? NaN).toFixed(4)}`;
        this.#bar?.update({ note: this.#evaluation });
        if (!this.#terminal) this.#say(`${this.#title}: step ${event.step}, ${this.#evaluation}${event.best ? ', the best so far' : ''}`);
        return;
      case 'end':
        return this.#endBar();
      case 'report':
        console.log(`\n${event.title}\n${formatMetrics(event.split, event.metrics)}`);
        return;
      case 'failure':
        return this.#say(`${event.title} failed: ${event.message}`);
      case 'checkpoint':
      case 'comparison':
    }
  };

  /** Takes the bar away, so that what follows begins on a line of its own. */
  close(): void {
    this.#endBar();
  }

  #data(progress: Extract<StudyEvent, { type: 'data' }>['progress']): void {
    const lines = {
      fetch: 'corpus' in progress ? `Fetching the corpus ${progress.corpus}` : '',
      'train-tokenizer': 'vocabSize' in progress ? `Training a tokenizer of ${progress.vocabSize} entries` : '',
      tokenize: 'split' in progress ? `Tokenising the ${progress.split} text` : '',
    };
    const line = lines[progress.stage];
    if (this.#said.has(line)) return;
    this.#said.add(line);
    this.#say(line);
  }

  #step(event: StepEvent): void {
    if (this.#terminal) {
      this.#bar ??= this.#startBar(event);
      this.#bar.update(event.step, { loss: event.loss.toFixed(4), note: this.#evaluation });
      return;
    }
    if (performance.now() - this.#lastLine < lineEveryMs) return;
    this.#say(
      `${this.#title}: step ${event.step} of ${event.totalSteps}, epoch ${event.epoch.toFixed(2)}, loss ${event.loss.toFixed(4)}, ` +
        `${Math.round(event.tokens / event.seconds)} tokens/s`,
    );
  }

  #startBar(event: StepEvent): SingleBar {
    this.#evaluation = '';
    const bar = new SingleBar({
      format: '{title} {bar} {value}/{total}  loss {loss}  {note}  {eta_formatted} left',
      hideCursor: true,
      clearOnComplete: true,
      stream: process.stderr,
    });
    bar.start(event.totalSteps, 0, { title: this.#title, loss: '', note: '' });
    return bar;
  }

  #endBar(): void {
    this.#bar?.stop();
    this.#bar = undefined;
    this.#evaluation = '';
  }

  #say(line: string): void {
    this.#lastLine = performance.now();
    console.error(line);
  }
}
