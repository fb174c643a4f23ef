import { SingleBar } from 'cli-progress';

/** Where set-up tells what it is doing. */
export interface Progress {
  line(text: string): void;
  /** Begins to count up to `total`, both in `unit`. */
  bar(label: string, total: number, unit: string): ProgressBar;
}

export interface ProgressBar {
  update(value: number): void;
  stop(): void;
}

/** On stderr: a moving bar on a terminal, a plain line every few seconds elsewhere. */
export const terminalProgress: Progress = {
  line: (text) => void process.stderr.write(`${text}\n`),
  bar(label, total, unit) {
    const bar = new SingleBar({
      format: `  ${label} {percentage} % ({value} of {total} ${unit}, {duration_formatted})`,
      noTTYOutput: true,
      notTTYSchedule: 10_000,
      hideCursor: true,
      clearOnComplete: true,
    });
    bar.start(total, 0);
    return { update: (value) => bar.update(value), stop: () => bar.stop() };
  },
};
