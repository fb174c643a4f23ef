/** Writes lines to a new file, in large pieces. */
import { open, type FileHandle } from 'node:fs/promises';

const pieceCharacters = 1 << 20;

export class LineWriter {
  private lines = '';

  private constructor(private readonly handle: FileHandle) {}

  static async create(file: string): Promise<LineWriter> {
    return new LineWriter(await open(file, 'wx'));
  }

  async write(line: string): Promise<void> {
    this.lines += `${line}\n`;
    if (this.lines.length >= pieceCharacters) await this.flush();
  }

  async flush(): Promise<void> {
    await this.handle.writeFile(this.lines);
    this.lines = '';
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}
