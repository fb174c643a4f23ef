/** What a translation model reads: sentences of token ids, made into one padded tensor. */
import { ArgumentError, DataError, ShapeError } from '../../errors';
import { checkNumber } from '../../generation';
import type { TranslationModel } from '../../nn';
import { tensor, Tensor } from '../../tensor';

export interface LengthOptions {
  /**
   * A translation has at most `maxLengthA * S + maxLengthB` tokens before its eos, and no more than the model has positions for; S is the
   * length of the batch's longest source, with eos. Defaults 0 and 200.
   */
  maxLengthA?: number;
  maxLengthB?: number;
}

export interface Sources {
  /** `[sentences, time]` on the model's device. */
  tensor: Tensor;
  sentences: number;
  /** Greatest length of a translation, and the length for which room is made at first, both without eos. */
  maxLength: number;
  usualLength: number;
}

/**
 * Sentences without eos get one and are padded on the left; a tensor is taken as it is.
 * @throws DataError for ids outside the vocabulary and sentences beyond the model's positions; ShapeError for a tensor that is not
 *   `[sentences, time]` int64
 */
export async function openSources(
  model: TranslationModel,
  source: Tensor | readonly (readonly number[])[],
  { maxLengthA = 0, maxLengthB = 200 }: LengthOptions,
): Promise<Sources> {
  checkNumber('maxLengthA', maxLengthA, 0);
  checkNumber('maxLengthB', maxLengthB, 0);
  const { config } = model;
  const { ids, shape } = source instanceof Tensor ? await readTensor(source) : padLeft(source, config);
  const [sentences, time] = shape;
  checkIds(ids, time, config);
  const maxLength = Math.min(Math.floor(maxLengthA * time + maxLengthB), config.maxTargetPositions - 1);
  return {
    tensor: tensor(ids, { shape, dtype: 'int64', device: model.device }).keep(),
    sentences,
    maxLength,
    usualLength: Math.min(maxLength, 2 * time),
  };
}

/** As doubles, which keep what is no id until it is refused. */
type Ids = { ids: Float64Array; shape: [sentences: number, time: number] };

async function readTensor(source: Tensor): Promise<Ids> {
  const [sentences = 0, time = 0] = source.shape;
  if (source.ndim !== 2 || source.dtype !== 'int64' || source.numel === 0)
    throw new ShapeError(`The source must be [sentences, time] of int64, not ${source.toString()}.`);
  const ids = Float64Array.from((await source.data()) as BigInt64Array, Number);
  return { ids, shape: [sentences, time] };
}

function padLeft(source: readonly (readonly number[])[], config: TranslationModel['config']): Ids {
  if (source.length === 0) throw new ArgumentError('there are no sentences to translate');
  const time = Math.max(...source.map((sentence) => sentence.length)) + 1;
  const ids = new Float64Array(source.length * time).fill(config.padTokenId);
  source.forEach((sentence, index) => {
    const end = (index + 1) * time;
    ids.set(sentence, end - 1 - sentence.length);
    ids[end - 1] = config.eosTokenId;
  });
  return { ids, shape: [source.length, time] };
}

function checkIds(ids: Float64Array, time: number, config: TranslationModel['config']): void {
  const { sourceVocabSize, maxSourcePositions, padTokenId } = config;
  const wrong = ids.findIndex((id) => !Number.isInteger(id) || id < 0 || id >= sourceVocabSize);
  if (wrong >= 0) {
    throw new DataError(
      `sentence ${Math.floor(wrong / time)} holds token id ${ids[wrong]}; the source vocabulary has ids 0 to ${sourceVocabSize - 1}`,
    );
  }
  for (let start = 0; start < ids.length; start += time) {
    const length = ids.subarray(start, start + time).reduce((sum, id) => sum + Number(id !== padTokenId), 0);
    const which = `sentence ${start / time}`;
    if (length === 0) throw new DataError(`${which} is nothing but padding`);
    if (length <= maxSourcePositions) continue;
    throw new DataError(
      `${which} has ${length} tokens with its eos, but the model reads at most ${maxSourcePositions}`,
    );
  }
}
