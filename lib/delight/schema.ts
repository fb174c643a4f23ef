/** The configurations of the four kinds of model: DeLighT or Transformer, for translation or for language modelling. */
import { z } from 'zod';

import { complain, languagePlaces, resolveOutput, shufflePlaces, sizePlaces, vocabularyPlaces } from './checks';
import {
  commonShape,
  delightShape,
  delightStack,
  languageShape,
  size,
  transformerShape,
  transformerStack,
  translationShape,
} from './keys';
import { delightFaults, resolveDelight, resolveTransformer, transformerFaults } from './stack';

const delightTranslation = z
  .strictObject({
    ...delightShape,
    ...commonShape,
    ...translationShape,
    /** Width of the look-up table and of the output layer. */
    embeddingSize: size.default(128),
    /** `decoder` follows it where it says nothing itself. */
    encoder: delightStack.prefault({}),
  })
  .transform((keys, context) => {
    const sizes = { ...keys, ...resolveDelight(keys) };
    const places = [...sizePlaces(keys, sizes, delightFaults), ...shufflePlaces(keys), ...vocabularyPlaces(keys)];
    complain(context, keys, places);
    return { ...sizes, shuffle: keys.shuffle ?? !keys.define };
  });

const transformerTranslation = z
  .strictObject({
    ...transformerShape,
    ...commonShape,
    ...translationShape,
    /** `decoder` follows it where it says nothing itself. */
    encoder: transformerStack.prefault({}),
  })
  .transform((keys, context) => {
    const sizes = { ...keys, ...resolveTransformer(keys) };
    complain(context, keys, [...sizePlaces(keys, sizes, transformerFaults), ...vocabularyPlaces(keys)]);
    return sizes;
  });

const delightLanguage = z
  .strictObject({
    ...delightShape,
    ...commonShape,
    ...languageShape,
    /** Width of the look-up table (its first band, if adaptive) and of the output layer. */
    embeddingSize: size.default(64),
  })
  .transform((keys, context) => {
    const { encoder: _none, ...stacks } = resolveDelight(keys);
    const sizes = { ...keys, ...stacks };
    const places = [
      ...sizePlaces(keys, sizes, delightFaults),
      ...shufflePlaces(keys),
      ...languagePlaces(keys, keys.embeddingSize),
    ];
    complain(context, keys, places);
    return { ...sizes, ...resolveOutput(keys), shuffle: keys.shuffle ?? !keys.define };
  });

const transformerLanguage = z
  .strictObject({ ...transformerShape, ...commonShape, ...languageShape })
  .transform((keys, context) => {
    const { encoder: _none, ...stacks } = resolveTransformer(keys);
    const sizes = { ...keys, ...stacks };
    complain(context, keys, [...sizePlaces(keys, sizes, transformerFaults), ...languagePlaces(keys, keys.hiddenSize)]);
    return { ...sizes, ...resolveOutput(keys) };
  });

export const translationSchema = z.discriminatedUnion('type', [delightTranslation, transformerTranslation]);
export const languageSchema = z.discriminatedUnion('type', [delightLanguage, transformerLanguage]);
