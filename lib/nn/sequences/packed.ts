/** Sequences of different lengths in one tensor: padded, or packed without padding, as recurrent layers take them. */
import { checkArgument } from '../../arguments';
import { ArgumentError, ShapeError } from '../../errors';
import { Tensor, torch } from '../../tensor';

/** Sequences one time step after the other, longest first; made by `packPaddedSequence` or `packSequence`. */
export interface PackedSequence {
  /** All elements: first those of the first step of every sequence, and so on: [elements, *]. */
  data: Tensor;
  /** How many sequences still go on at each step, int64 on the CPU. */
  batchSizes: Tensor;
  /** Which sequence of the batch stands where, or null if they were sorted already. */
  sortedIndices: Tensor | null;
  /** The way back. */
  unsortedIndices: Tensor | null;
}

export function isPacked(value: unknown): value is PackedSequence {
  return typeof value === 'object' && value !== null && 'batchSizes' in value && 'data' in value;
}

const packPadded = torch.operator('aten::_pack_padded_sequence') as (
  input: Tensor,
  lengths: Tensor,
  batchFirst: boolean,
) => [Tensor, Tensor];
const padPacked = torch.operator('aten::_pad_packed_sequence') as (
  data: Tensor,
  batchSizes: Tensor,
  batchFirst: boolean,
  paddingValue: number,
  totalLength: number,
) => [Tensor, Tensor];

export interface PackOptions {
  /** Whether the input is [batch, time, *] instead of [time, batch, *]. Default false. */
  batchFirst?: boolean;
  /** Whether lengths must fall, longest first; `false` sorts them. Default true. */
  enforceSorted?: boolean;
}

/** @param lengths of each sequence: numbers, or int64 on the CPU */
export function packPaddedSequence(
  input: Tensor,
  lengths: Tensor | readonly number[],
  options: PackOptions = {},
): PackedSequence {
  if (!(input instanceof Tensor)) throw new ArgumentError('packPaddedSequence takes a padded tensor.');
  const { batchFirst = false, enforceSorted = true } = options;
  const given = lengths instanceof Tensor ? lengths.to('int64') : lengthTensor(lengths);
  if (enforceSorted) {
    const [data, batchSizes] = packPadded(input, given, batchFirst);
    return { data, batchSizes, sortedIndices: null, unsortedIndices: null };
  }
  const [sorted, order] = torch.sort(given, 0, true);
  const sortedIndices = order.to(input.device);
  const [data, batchSizes] = packPadded(input.indexSelect(batchFirst ? 0 : 1, sortedIndices), sorted, batchFirst);
  return { data, batchSizes, sortedIndices, unsortedIndices: torch.argsort(sortedIndices) };
}

function lengthTensor(lengths: readonly number[]): Tensor {
  if (Array.isArray(lengths) && lengths.every((length) => Number.isSafeInteger(length) && length >= 0)) {
    return torch.tensor(lengths, { dtype: 'int64' });
  }
  throw new ArgumentError('The lengths of sequences must be whole numbers, in an array or an int64 tensor.');
}

export interface PadPackedOptions {
  batchFirst?: boolean;
  /** Default 0. */
  paddingValue?: number;
  /** Length of the result, at least the longest sequence's, which is the default. */
  totalLength?: number;
}

/** The way back from `packPaddedSequence`: sequences in their first order, and their lengths. */
export function padPackedSequence(
  sequence: PackedSequence,
  options: PadPackedOptions = {},
): [padded: Tensor, lengths: Tensor] {
  if (!isPacked(sequence)) throw new ArgumentError('padPackedSequence takes what packPaddedSequence gives.');
  const { batchFirst = false, paddingValue = 0 } = options;
  const longest = sequence.batchSizes.size(0);
  const total = options.totalLength ?? longest;
  if (total < longest) throw new ShapeError(`totalLength (${total}) is less than the longest sequence, ${longest}.`);
  const [padded, lengths] = padPacked(sequence.data, sequence.batchSizes, batchFirst, paddingValue, total);
  const order = sequence.unsortedIndices;
  if (order === null) return [padded, lengths];
  return [padded.indexSelect(batchFirst ? 0 : 1, order), lengths.indexSelect(0, order.to('cpu'))];
}

export interface PadOptions {
  batchFirst?: boolean;
  paddingValue?: number;
  /** Default `right`. */
  paddingSide?: 'left' | 'right';
}

/** Sequences `[length, *]` in one tensor `[longest, batch, *]`, or `[batch, longest, *]`. */
export function padSequence(sequences: readonly Tensor[], options: PadOptions = {}): Tensor {
  checkSequences(sequences);
  const { batchFirst = false, paddingValue = 0, paddingSide = 'right' } = options;
  return torch.padSequence(sequences, batchFirst, paddingValue, paddingSide);
}

/** The sequences `[length, *]` of a padded tensor. */
export function unpadSequence(
  padded: Tensor,
  lengths: Tensor | readonly number[],
  options: { batchFirst?: boolean } = {},
): Tensor[] {
  if (!(padded instanceof Tensor)) throw new ArgumentError('unpadSequence takes a padded tensor.');
  const sizes = lengths instanceof Tensor ? Array.from(lengths.to('int64').dataSync(), Number) : [...lengths];
  const [batch, time] = options.batchFirst === true ? [0, 1] : [1, 0];
  if (sizes.length !== padded.size(batch)) {
    throw new ShapeError(`${sizes.length} lengths do not fit a batch of ${padded.size(batch)} sequences.`);
  }
  return sizes.map((length, index) => padded.select(batch, index).narrow(batch < time ? time - 1 : time, 0, length));
}

/** Packs sequences `[length, *]`. */
export function packSequence(sequences: readonly Tensor[], options: { enforceSorted?: boolean } = {}): PackedSequence {
  checkSequences(sequences);
  const lengths = sequences.map((sequence) => sequence.size(0));
  return packPaddedSequence(padSequence(sequences), lengths, options);
}

/** The way back from `packSequence`. */
export function unpackSequence(sequence: PackedSequence): Tensor[] {
  const [padded, lengths] = padPackedSequence(sequence, { batchFirst: true });
  return unpadSequence(padded, lengths, { batchFirst: true });
}

function checkSequences(sequences: readonly Tensor[]): void {
  checkArgument(sequences, 'object', 'A list of sequences');
  if (Array.isArray(sequences) && sequences.length > 0 && sequences.every((each) => each instanceof Tensor)) return;
  throw new ArgumentError('Sequences must be a non-empty array of tensors.');
}
