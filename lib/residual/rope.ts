/** Scaled rotary positions: the types that are computed here, and their form in Hugging Face's `config.json`. */
import { z } from 'zod';

import { ConfigError } from '../errors';

const factor = z.number().min(1);
const length = z
  .int()
  .positive()
  .max(2 ** 31 - 1);

/** How a model's rotary positions are stretched, so that it can be used on longer texts than it was trained on. */
export const ropeScalingSchema = z.discriminatedUnion('type', [
  /** All angles divided by the factor. */
  z.strictObject({ type: z.literal('linear'), factor }),
  /** The base grows with the text where that is longer than `maxPositionEmbeddings`. */
  z.strictObject({ type: z.literal('dynamic'), factor }),
  /** Llama 3.1: long waves are stretched by the factor, short ones stay, with a ramp between. */
  z
    .strictObject({
      type: z.literal('llama3'),
      factor,
      lowFreqFactor: z.number().positive(),
      highFreqFactor: z.number().positive(),
      originalMaxPositionEmbeddings: length,
    })
    .refine(({ lowFreqFactor, highFreqFactor }) => highFreqFactor > lowFreqFactor, {
      path: ['highFreqFactor'],
      message: 'must be greater than lowFreqFactor',
    }),
]);
export type RopeScaling = z.output<typeof ropeScalingSchema>;

const number = z.number().nullish();
const fileSchema = z.looseObject({
  rope_type: z.string().nullish(),
  /** The name of `rope_type` in older files. */
  type: z.string().nullish(),
  rope_theta: number,
  partial_rotary_factor: number,
  factor: number,
  low_freq_factor: number,
  high_freq_factor: number,
  original_max_position_embeddings: number,
});

/** What `config.json` says of rotary positions, in either form. */
export const ropeKeys = {
  /** Since transformers 5: everything. */
  rope_parameters: fileSchema.nullish(),
  /** Before: all but the base. */
  rope_scaling: fileSchema.nullish(),
  rope_theta: number,
  partial_rotary_factor: number,
  /** Where it stands beside them, it goes before theirs. */
  original_max_position_embeddings: number,
};
type RopeKeys = { [K in keyof typeof ropeKeys]?: z.output<(typeof ropeKeys)[K]> };

/** The parameters that each type has beside its name and the base. */
const parametersOf: Record<string, readonly string[]> = {
  default: [],
  linear: ['factor'],
  dynamic: ['factor'],
  llama3: ['factor', 'low_freq_factor', 'high_freq_factor', 'original_max_position_embeddings'],
};
const commonKeys = ['rope_type', 'type', 'rope_theta', 'partial_rotary_factor'];
/** The base where a file gives none. */
const usualTheta = 10000;

/**
 * Reads what a file says of rotary positions.
 *
 * @param where - names the file in errors
 * @throws ConfigError for types and parameters that are not computed here
 */
export function readRope(
  file: RopeKeys,
  maxPositionEmbeddings: number,
  where: string,
): { ropeTheta: number; ropeScaling: Record<string, unknown> | null } {
  const { rope_parameters: current, rope_scaling: older } = file;
  if (current && older) checkSame(current, older, where);
  // As transformers does, a scaling of the older form goes before the newer one, which it fills up.
  const rope = { ...current, ...older };
  const ropeTheta = rope.rope_theta ?? file.rope_theta ?? usualTheta;
  const type = rope.rope_type ?? rope.type ?? 'default';
  const parameters = Object.hasOwn(parametersOf, type) ? parametersOf[type]! : undefined;
  if (parameters === undefined) {
    throw new ConfigError(
      `${where} rope type "${type}" is not supported; there are ${Object.keys(parametersOf).join(', ')}.`,
    );
  }
  if ((rope.partial_rotary_factor ?? file.partial_rotary_factor ?? 1) !== 1) {
    throw new ConfigError(`${where} partial_rotary_factor is not supported; only 1 is.`);
  }
  const known = new Set([...commonKeys, ...parameters]);
  const unknown = Object.entries(rope).filter(
    ([key, value]) => value !== null && value !== undefined && !known.has(key),
  );
  if (unknown.length > 0) {
    const names = unknown.map(([key]) => key).join(', ');
    throw new ConfigError(`${where} ${names}: not a parameter of the rope type "${type}".`);
  }
  if (type === 'default') return { ropeTheta, ropeScaling: null };
  const ropeScaling: Record<string, unknown> = { type, factor: rope.factor ?? undefined };
  if (type === 'llama3') {
    ropeScaling.lowFreqFactor = rope.low_freq_factor ?? undefined;
    ropeScaling.highFreqFactor = rope.high_freq_factor ?? undefined;
    ropeScaling.originalMaxPositionEmbeddings =
      file.original_max_position_embeddings ?? rope.original_max_position_embeddings ?? maxPositionEmbeddings;
  }
  return { ropeTheta, ropeScaling };
}

/** Files may have both forms, for programs of either age; they must say the same. */
function checkSame(current: object, older: object, where: string): void {
  const others = new Map(Object.entries(older));
  for (const [key, value] of Object.entries(current)) {
    const other: unknown = others.get(key);
    if (other === undefined || other === null || value === null || other === value) continue;
    throw new ConfigError(`${where} rope_parameters and rope_scaling differ in ${key}; take out one of the two.`);
  }
}

/** The keys of `config.json` in both forms, so that programs of either age find theirs. */
export function writeRope(ropeTheta: number, scaling: RopeScaling | null): Record<string, unknown> {
  const parameters = scaling === null ? { rope_type: 'default' } : parametersForFile(scaling);
  return {
    rope_theta: ropeTheta,
    rope_scaling: scaling === null ? null : parameters,
    rope_parameters: { rope_theta: ropeTheta, ...parameters },
  };
}

function parametersForFile(scaling: RopeScaling): Record<string, unknown> {
  const { type, factor } = scaling;
  if (type !== 'llama3') return { rope_type: type, factor };
  return {
    rope_type: type,
    factor,
    low_freq_factor: scaling.lowFreqFactor,
    high_freq_factor: scaling.highFreqFactor,
    original_max_position_embeddings: scaling.originalMaxPositionEmbeddings,
  };
}
