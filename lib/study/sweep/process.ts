/** A training in a process of its own: what happens to it, memory that runs out included, happens to no other. */
import { fork, type ChildProcess } from 'node:child_process';
import path from 'node:path';

import type { StudyEvent } from '../shared/events';
import type { Failure, FromTrial, Job, ToTrial } from './protocol';

const program = path.join(__dirname, 'trial-process');

/** Those that must not outlive this process, however it ends. */
const living = new Set<ChildProcess>();
const endAll = () => {
  for (const child of living) child.kill('SIGKILL');
};

/** How much is kept of what a process has said last, in characters. */
const lastWords = 2000;

/**
 * Trains, and says why it could not where it could not; whether the run has a record tells whether it has ended.
 *
 * @throws what `onEvent` throws, once the process has stopped
 */
export function trainInProcess(
  job: Job,
  { env, signal, onEvent }: { env: NodeJS.ProcessEnv; signal: AbortSignal; onEvent: (event: StudyEvent) => void },
): Promise<Failure | null> {
  // A debugger of this process is none of theirs.
  const execArgv = process.execArgv.filter((argument) => !argument.startsWith('--inspect'));
  const child = fork(program, { env, execArgv, serialization: 'advanced', stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  if (living.size === 0) process.on('exit', endAll);
  living.add(child);
  const tell = (message: ToTrial) => {
    if (child.connected) child.send(message, () => {}); // one that has ended says so itself
  };
  const stop = () => tell({ type: 'stop' });
  let failure: Failure | null | undefined;
  let thrown: { error: unknown } | undefined;
  let said = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-lastWords);
  });
  child.on('message', (message: FromTrial) => {
    if (message.type === 'ended') failure = message.failure;
    else if (!thrown) {
      try {
        onEvent(message.event);
      } catch (error) {
        thrown = { error };
        stop();
      }
    }
  });
  signal.addEventListener('abort', stop, { once: true });
  tell({ type: 'train', job });
  if (signal.aborted) stop();
  return new Promise<Failure | null>((resolve, reject) => {
    const end = (found: Failure | null) => {
      living.delete(child);
      if (living.size === 0) process.off('exit', endAll);
      signal.removeEventListener('abort', stop);
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- it goes back to whom it belongs as it is
      if (thrown) reject(thrown.error);
      else resolve(found);
    };
    child.on('error', ({ message }) => {
      if (child.pid === undefined) end({ message: `No process could be started: ${message}` });
    });
    child.on('close', (code, by) => end(failure === undefined ? { message: describeEnd(code, by, said) } : failure));
  });
}

function describeEnd(code: number | null, by: NodeJS.Signals | null, said: string): string {
  const how = by === null ? `with exit code ${code}` : `by ${by}`;
  const why = by === 'SIGKILL' ? ', which is what the system does when memory runs out' : '';
  return `The process of this training ended ${how}${why}.${said.trim() === '' ? '' : ` It said: ${said.trim()}`}`;
}
