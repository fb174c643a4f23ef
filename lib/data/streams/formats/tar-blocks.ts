/** The blocks that tar archives are made of: just enough to know where each of their files begins and ends. */
import { DataError } from '../../../errors';

export const blockBytes = 512;
/** Larger than any sample is; beyond it a size is damage. */
const largestContent = 2 ** 31;

/** Reads whole blocks out of a stream of bytes. */
export class BlockReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  /** @param position where in the archive the bytes begin */
  constructor(
    chunks: AsyncIterable<Buffer>,
    private readonly file: string,
    public position: number,
  ) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** @throws DataError where the archive has fewer */
  async read(count: number): Promise<Buffer> {
    const wanted = count * blockBytes;
    const parts = [this.#rest];
    let length = this.#rest.length;
    while (length < wanted) {
      const { done, value } = (await this.#chunks.next()) as IteratorResult<Buffer, undefined>;
      if (done)
        throw new DataError(
          `${this.file} is cut off: it ends at byte ${this.position + length}, before the end of an archive`,
        );
      parts.push(value);
      length += value.length;
    }
    const all = parts.length === 1 ? this.#rest : Buffer.concat(parts, length);
    this.#rest = all.subarray(wanted);
    this.position += wanted;
    return all.subarray(0, wanted);
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}

export const isZero = (block: Buffer) => block.every((byte) => byte === 0);

/** Whether it describes the header that follows: long names, extended attributes. */
export function isHeaderOfHeader(header: Buffer): boolean {
  return 'xgLK'.includes(String.fromCharCode(header[156] ?? 0)) && !isZero(header);
}

/** Links, devices, folders: whatever their size says, no content follows. */
const bodyless = '123456';

/** How many blocks of content follow a header; undefined where it does not say. */
export function contentBlocks(header: Buffer): number | undefined {
  if (bodyless.includes(String.fromCharCode(header[156] ?? 0))) return 0;
  const field = header.subarray(124, 136);
  const text = field
    .toString('latin1')
    .replace(/[\0 ]+$/, '')
    .trim();
  const size =
    (field[0] ?? 0) & 0x80
      ? Number(BigInt(`0x${field.toString('hex')}`) & ((1n << 95n) - 1n))
      : Number(`0o${text || '0'}`);
  return Number.isSafeInteger(size) && size <= largestContent ? Math.ceil(size / blockBytes) : undefined;
}
