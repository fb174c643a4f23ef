/** Writes lines to a new file. */
import { open, type FileHandle } from 'node:fs/promises';

export class LineWriter {
  private pending: string[] = [];

  private constructor(private readonly handle: FileHandle) {}

  static async create(file: string): Promise<LineWriter> {
    return new LineWriter(await open(file, 'wx'));
  }

  /** Takes a line for the next `flush`. */
  add(line: string): void {
    this.pending.push(line, '\n');
  }

  async flush(): Promise<void> {
    if (this.pending.length === 0) return;
    const text = this.pending.join('');
    this.pending = [];
    await this.handle.writeFile(text);
  }

  /** What was not flushed is lost. */
  async close(): Promise<void> {
    await this.handle.close();
  }
}
