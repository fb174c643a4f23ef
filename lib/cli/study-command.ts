/** What the commands that run studies have in common. */
import type { StudyEvent } from '../study';
import { StudyConsole } from './console';
import { interruptible } from './interrupt';

type Study = typeof import('../study');

/** Runs work of the study room, shown on the console and stopped by Ctrl-C. The room, and with it the addon, loads only now. */
export async function runStudyCommand<T>(
  work: (study: Study, options: { signal: AbortSignal; onEvent: (event: StudyEvent) => void }) => Promise<T>,
): Promise<T> {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- loads late, and in one way in CommonJS and tests
  const study = require('../study') as Study;
  const view = new StudyConsole();
  try {
    return await interruptible((signal) => work(study, { signal, onEvent: view.show }));
  } finally {
    view.close();
  }
}

export const studyHelp =
  'a file (.yaml, .json, .ts, .mjs, ...), or the name of a shipped study: demo, sotu, note, translate-demo, descriptions-en-de, sotu-lm, recipes/...';
export const overridesHelp = 'section.key=value, changing the file; the value is YAML';
