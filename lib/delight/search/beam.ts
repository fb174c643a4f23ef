/** Beam search, with fairseq's rules. */
import { NonFiniteError } from '../../errors';
import { checkNumber, checkWhole, type Decoder, type DecoderCandidates } from '../../generation';
import type { Hypothesis } from './hypothesis';

export interface BeamOptions {
  /** Hypotheses that are followed at once, and given back, for each sentence. Default 5; at most the vocabulary less one. */
  beams?: number;
  /** Scores are divided by length (with eos) to this power: above 1 favours longer texts, 0 sums only. Default 1. */
  lengthPenalty?: number;
  /** Tokens before an eos may come. Default 1. */
  minLength?: number;
}

/** What a search of a model with given inputs knows besides. */
export interface BeamTask {
  sentences: number;
  /** Tokens before the eos, at most: there it is forced. */
  maxLength: number;
  padTokenId: number;
  eosTokenId: number;
}

/** The settings with their defaults. @throws ArgumentError for a value that makes no sense */
export function resolveBeams({ beams = 5, lengthPenalty = 1, minLength = 1 }: BeamOptions, vocabSize: number) {
  checkWhole('beams', beams, 1);
  checkNumber('lengthPenalty', lengthPenalty, -Infinity);
  checkWhole('minLength', minLength, 0);
  return { beams: Math.min(beams, vocabSize - 1), lengthPenalty, minLength };
}

/** A text so far: its last token after all the others, and the sum of logarithms, in float32 as the model's own. */
interface Path {
  token: number;
  score: number;
  length: number;
  before: Path | null;
}

/** A way to go on, and the row of its sentence that it continues. */
interface Candidate extends Path {
  row: number;
}

interface Sentence {
  index: number;
  /** One for each beam; null where there is nothing to follow. */
  beams: (Path | null)[];
  finished: Hypothesis[];
}

/**
 * Searches the likeliest texts of each sentence, best first. At each step the best `2 * beams` continuations count, those in eos end a
 * text only among the first `beams`, and the first `beams` others go on. A sentence is done when as many texts have ended, or
 * at the greatest length.
 *
 * @throws NonFiniteError when the model gives no number for a probability
 */
export async function beamSearchOver(decoder: Decoder, task: BeamTask, options: BeamOptions): Promise<Hypothesis[][]> {
  const { beams, lengthPenalty, minLength } = resolveBeams(options, decoder.vocabSize);
  const { maxLength, padTokenId, eosTokenId } = task;
  const banned = Int32Array.of(padTokenId);
  const bannedAtFirst = Int32Array.of(padTokenId, eosTokenId);
  const results: Hypothesis[][] = Array.from({ length: task.sentences }, () => []);

  // All beams begin alike, so only the first is followed.
  const start: Path = { token: eosTokenId, score: 0, length: 0, before: null };
  let active = results.map<Sentence>((finished, index) => ({
    index,
    beams: Array.from({ length: beams }, (_, beam) => (beam === 0 ? start : null)),
    finished,
  }));
  let tokens = new Int32Array(task.sentences * beams).fill(eosTokenId);
  let order: Int32Array | null = null;

  for (let length = 0; active.length > 0; length++) {
    const isLast = length >= maxLength;
    const found = await decoder.step({
      tokens,
      order,
      candidates: isLast ? 1 : 2 * beams,
      banned: length < minLength && !isLast ? bannedAtFirst : banned,
      only: isLast ? eosTokenId : null,
    });
    const rows: { row: number; path: Path | null }[] = [];
    const remaining: Sentence[] = [];
    active.forEach((sentence, position) => {
      const candidates = bestCandidates(found, sentence, { position, rows: active.length * beams });
      for (const ended of candidates.slice(0, beams)) {
        if (ended.token === eosTokenId && sentence.finished.length < beams)
          sentence.finished.push(hypothesisOf(ended, lengthPenalty));
      }
      const going = candidates.filter(({ token }) => token !== eosTokenId).slice(0, beams);
      if (isLast || sentence.finished.length === beams || going.length === 0) return;
      sentence.beams = sentence.beams.map((_, beam) => going[beam] ?? null);
      const first = position * beams;
      rows.push(...sentence.beams.map((path, beam) => ({ row: first + (going[beam]?.row ?? 0), path })));
      remaining.push(sentence);
    });
    active = remaining;
    tokens = Int32Array.from(rows, ({ path }) => path?.token ?? eosTokenId);
    order = Int32Array.from(rows, ({ row }) => row);
  }
  for (const hypotheses of results) hypotheses.sort((a, b) => b.score - a.score);
  return results;
}

/** The best `2 * beams` ways to go on, over all rows of a sentence; of equals, the one of the better row first. */
function bestCandidates(
  { ids, logProbabilities }: DecoderCandidates,
  { beams }: Sentence,
  { position, rows }: { position: number; rows: number },
): Candidate[] {
  const columns = ids.length / rows;
  const candidates: Candidate[] = [];
  beams.forEach((path, row) => {
    if (path === null) return;
    const first = (position * beams.length + row) * columns;
    for (let at = first; at < first + columns; at++) {
      const logProbability = logProbabilities[at]!;
      if (Number.isNaN(logProbability))
        throw new NonFiniteError("the model's probabilities are not numbers; its weights or its inputs are damaged");
      if (logProbability === -Infinity) continue;
      const score = Math.fround(path.score + logProbability);
      candidates.push({ token: ids[at]!, score, length: path.length + 1, before: path, row });
    }
  });
  return candidates.sort((a, b) => b.score - a.score).slice(0, 2 * beams.length);
}

function hypothesisOf(end: Path, lengthPenalty: number): Hypothesis {
  const tokens: number[] = [];
  const positionalScores: number[] = [];
  for (let path = end; path.before !== null; path = path.before) {
    tokens.push(path.token);
    positionalScores.push(Math.fround(path.score - path.before.score));
  }
  const score = Math.fround(end.score / Math.fround(end.length ** lengthPenalty));
  return { tokens: tokens.reverse(), score, positionalScores: positionalScores.reverse() };
}
