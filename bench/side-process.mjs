/** One side of a benchmark: a process of its own that is told by JSON lines what to do and answers likewise. */
import { spawn } from 'node:child_process';
import readline from 'node:readline';

export class SideProcess {
  #process;
  #lines;
  #failure;

  /** @param advice - what to do where it cannot be started or ends by itself */
  constructor(command, parameters, advice = '') {
    this.#process = spawn(command, parameters, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#failure = new Promise((_, reject) => {
      this.#process.on('error', (error) =>
        reject(new Error(`${command} could not be started: ${error.message}. ${advice}`)),
      );
      this.#process.on('exit', (code) => reject(new Error(`${command} ended with code ${code}. ${advice}`)));
    });
    this.#failure.catch(() => {});
    this.#process.stdin.on('error', () => {});
    this.#lines = readline.createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  async #ask(question) {
    this.#process.stdin.write(`${JSON.stringify(question)}\n`);
    const { value } = await Promise.race([this.#lines.next(), this.#failure]);
    return value === undefined ? this.#failure : JSON.parse(value);
  }

  versions() {
    return this.#ask({ do: 'versions' });
  }

  prepare(task) {
    return this.#ask({ do: 'prepare', ...task });
  }

  /** One piece of work, by name, with what it takes: `{ seconds, loss }`. */
  run(work, details = {}) {
    return this.#ask({ do: work, ...details });
  }

  end() {
    this.#process.stdin.end();
  }
}
