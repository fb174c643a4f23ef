/** How far something is: one bar on a terminal, plain lines now and then elsewhere. */
import { SingleBar } from 'cli-progress';

/** Without a terminal, a line of progress this often. */
const lineEveryMs = 10_000;

export interface ProgressStage {
  /** What goes on: another one begins another bar. */
  title: string;
  /** Null where it is not known. */
  total: number | null;
  /** How numbers are shown. */
  show?: (value: number) => string;
}

export class ProgressBar {
  readonly #stream: NodeJS.WriteStream;
  #bar: SingleBar | undefined;
  #stage: ProgressStage | undefined;
  #lastLine = performance.now();

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  get isTerminal(): boolean {
    return this.#stream.isTTY;
  }

  /** Draws the bar anew on a terminal. @param text - stands behind it */
  draw(stage: ProgressStage, value: number, text: string): void {
    if (this.#bar && this.#stage?.title === stage.title && this.#stage.total === stage.total)
      this.#bar.update(value, { text });
    else this.#begin(stage, value, text);
  }

  /** Changes what stands behind the bar, where there is one. */
  note(text: string): void {
    this.#bar?.update({ text });
  }

  /** Takes the bar away, so that what follows begins on a line of its own. */
  end(): void {
    this.#bar?.stop();
    this.#bar = this.#stage = undefined;
  }

  /** Says a line, above the bar where there is one. */
  say(line: string): void {
    this.end();
    this.#lastLine = performance.now();
    this.#stream.write(`${line}\n`);
  }

  /** Says a line unless one was said a moment ago. */
  sayNowAndThen(line: () => string): void {
    if (performance.now() - this.#lastLine >= lineEveryMs) this.say(line());
  }

  #begin(stage: ProgressStage, value: number, text: string): void {
    const { title, total, show = String } = stage;
    this.end();
    this.#stage = stage;
    this.#bar = new SingleBar({
      format: total === null ? '{title} {value}  {text}' : '{title} {bar} {value}/{total}  {text}',
      barsize: 20,
      hideCursor: true,
      clearOnComplete: true,
      formatValue: (value, _, type) => (type === 'value' || type === 'total' ? show(value) : String(value)),
      stream: this.#stream,
    });
    this.#bar.start(total ?? Infinity, value, { title, text });
  }
}
