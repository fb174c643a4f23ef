/** PyTorch's half of the benchmark: a Python process that is told by JSON lines what to do and answers likewise. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import readline from 'node:readline';

export class PyTorchSide {
  #process;
  #lines;
  #failure;

  /** @param folder - a benchmark's, with a `side.py` */
  constructor(python, folder, threads) {
    const script = path.join(import.meta.dirname, 'pytorch_side.py');
    this.#process = spawn(python, [script, folder, String(threads)], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#failure = new Promise((_, reject) => {
      const advice = 'Name a Python that has torch and safetensors by --python or TORCHWRIGHT_PYTHON.';
      this.#process.on('error', (error) =>
        reject(new Error(`${python} could not be started: ${error.message}. ${advice}`)),
      );
      this.#process.on('exit', (code) => reject(new Error(`${python} ended with code ${code}. ${advice}`)));
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
