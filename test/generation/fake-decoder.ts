import {
  drawTokens,
  type Decoder,
  type DecoderCandidates,
  type DecoderDraw,
  type DecoderStep,
} from '../../lib/generation';
import { torch } from '../../lib/tensor';

type Drawn = Awaited<ReturnType<Decoder['draw']>>;
type Fed = Pick<DecoderStep, 'tokens' | 'order'>;

/** Natural logarithms of the next token's probabilities, after what was read so far. */
export type FakeModel = (sentence: number, prefix: readonly number[]) => readonly number[];

/** A decoder over a table of probabilities, which checks that rows are handed on as the native one demands. */
export class FakeDecoder implements Decoder {
  /** What was asked, step by step. */
  readonly steps: DecoderStep[] = [];
  readonly draws: DecoderDraw[] = [];
  #rows: { sentence: number; read: number[] }[];

  constructor(
    private readonly model: FakeModel,
    readonly vocabSize: number,
    sentences: number,
    private readonly width: number,
  ) {
    this.#rows = Array.from({ length: sentences * width }, (_, row) => ({
      sentence: Math.floor(row / width),
      read: [],
    }));
  }

  /** Rows in the newest step. */
  get rows(): number {
    return this.#rows.length;
  }

  #feed(step: Fed): void {
    if (step.order !== null) this.#rows = Array.from(step.order, (row) => this.#row(row));
    for (let first = 0; first < this.#rows.length; first += this.width) {
      const own = this.#rows.slice(first, first + this.width);
      if (own.length < this.width || new Set(own.map(({ sentence }) => sentence)).size !== 1)
        throw new Error('the rows of a sentence must stay together');
    }
    const count = step.tokens.length / this.#rows.length;
    this.#rows = this.#rows.map(({ sentence, read }, row) => ({
      sentence,
      read: [...read, ...step.tokens.subarray(row * count, (row + 1) * count)],
    }));
  }

  draw(step: DecoderDraw): Promise<Drawn> {
    this.draws.push(step);
    this.#feed(step);
    const scores = this.#rows.map(({ sentence, read }) => [...this.model(sentence, read)]);
    const { tokens: _tokens, order: _order, seen, seenEnds, banned, topK, ...rules } = step;
    const seenOf = Array.from(seenEnds, (end, row) => [...seen.subarray(row === 0 ? 0 : seenEnds[row - 1], end)]);
    const options = { ...rules, seen: seenOf, banned: [...banned], topK: topK === 0 ? Infinity : topK };
    return Promise.resolve(drawTokens(torch.tensor(scores, { dtype: 'float32' }), options));
  }

  step(step: DecoderStep): Promise<DecoderCandidates> {
    this.steps.push(step);
    this.#feed(step);
    const columns = Math.min(step.candidates, this.vocabSize);
    const ids = new Int32Array(this.#rows.length * columns);
    const logProbabilities = new Float32Array(ids.length).fill(-Infinity);
    this.#rows.forEach(({ sentence, read }, row) => {
      const values = this.model(sentence, read);
      const allowed = values
        .map((value, id) => ({ value, id }))
        .filter(({ id }) => !step.banned.includes(id) && (step.only === null || id === step.only))
        .sort((a, b) => b.value - a.value)
        .slice(0, columns);
      allowed.forEach(({ value, id }, column) => {
        ids[row * columns + column] = id;
        logProbabilities[row * columns + column] = value;
      });
    });
    return Promise.resolve({ ids, logProbabilities });
  }

  #row(row: number) {
    const found = this.#rows[row];
    if (found === undefined) throw new Error(`there is no row ${row}`);
    return found;
  }
}

/** Logarithms, in float32, of a softmax. */
export function logSoftmax(logits: readonly number[]): number[] {
  const sum = logits.reduce((total, value) => total + Math.exp(value), 0);
  return logits.map((value) => Math.fround(value - Math.log(sum)));
}
