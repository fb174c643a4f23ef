/** The main program of a trial's process: trains what it is told to, and stops in good order when it is told to or nobody is left to tell. */
import { trainStudy } from '../study';
import type { StudyEvent } from '../shared/events';
import type { FromTrial, Job, ToTrial } from './protocol';

/** Events of which there are very many: one of a type is told only so often. */
const frequent = new Set<StudyEvent['type']>(['step', 'evaluationBatch', 'translation', 'data']);
const everyMs = 100;

const controller = new AbortController();

/** Resolves when the message has left, also where nobody is there any more to read it. */
const tell = (message: FromTrial) => new Promise<void>((resolve) => process.send!(message, () => resolve()));

function teller(): (event: StudyEvent) => void {
  const told = new Map<string, number>();
  return (event) => {
    const now = performance.now();
    if (frequent.has(event.type) && now - (told.get(event.type) ?? -Infinity) < everyMs) return;
    told.set(event.type, now);
    void tell({ type: 'event', event });
  };
}

async function train({ study, model, out, cacheDir }: Job): Promise<void> {
  let failure: Extract<FromTrial, { type: 'ended' }>['failure'] = null;
  try {
    const { signal } = controller;
    await trainStudy(study, { model, out, cacheDir, resume: 'if-there', signal, onEvent: teller() });
  } catch (error) {
    failure = { message: error instanceof Error ? error.message : String(error) };
  }
  await tell({ type: 'ended', failure });
  if (process.connected) process.disconnect();
}

// Ctrl-C reaches every process of the terminal; what follows from it is the sweep's to say.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => controller.abort(new Error('the process was told to end')));
process.on('disconnect', () => controller.abort(new Error('the sweep has ended')));
process.on('message', (message: ToTrial) => {
  if (message.type === 'stop') controller.abort(new Error('the sweep was stopped'));
  else void train(message.job);
});
