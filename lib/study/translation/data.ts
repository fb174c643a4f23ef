/** A study's parallel text, and the models' configurations that it completes. */
import { preparePairs, type PreparedPairs } from '../../data';
import { translationModelConfig, type TranslationModelConfig, type TranslationModelSection } from '../../delight';
import { ConfigError } from '../../errors';
import { torch, type Device } from '../../tensor';
import type { StudyModel } from '../models/models';
import type { StudyOptions } from '../shared/options';
import type { TranslationStudyConfig } from './config';

/** Makes a study's data ready. @throws DeviceError before anything else when the study's device is not there */
export async function prepareStudyPairs(
  study: TranslationStudyConfig,
  { signal, onEvent, cacheDir }: StudyOptions,
): Promise<PreparedPairs> {
  torch.zeros([1], { device: study.device as Device }).dispose();
  const data = await preparePairs(study.data, {
    onProgress: (progress) => onEvent?.({ type: 'data', progress }),
    ...(signal && { signal }),
    ...(cacheDir !== undefined && { cacheDir }),
  });
  onEvent?.({ type: 'prepared', description: data.description });
  return data;
}

/** The data in a few sentences: what they are, what was left out, and the hash that tells them from others. */
export function describeData({ description, report, sha256 }: PreparedPairs): string {
  const reasons = {
    missing: 'without a text',
    tooLong: 'too long',
    ratio: 'of too different lengths',
    heldOut: 'held out',
  };
  const leftOut = Object.entries(report).flatMap(([split, counts]) => {
    const parts = Object.entries(reasons).flatMap(([key, words]) => {
      const count = counts[key as keyof typeof reasons];
      return count > 0 ? [`${count} ${words}`] : [];
    });
    return parts.length > 0 ? [`${split}: ${parts.join(', ')}`] : [];
  });
  const nothing = leftOut.length === 0 ? 'Nothing was left out' : `Left out of ${leftOut.join('; ')}`;
  return `${description}. ${nothing}. SHA-256 of the corpus: ${sha256}.`;
}

/** A model's whole configuration, its vocabularies those of the data. @throws ConfigError when the two do not fit together */
export function modelConfigOf(
  { title, config }: StudyModel<TranslationModelSection>,
  data: PreparedPairs,
): TranslationModelConfig {
  const place = `models.${title}`;
  const sizeOf = (key: 'sourceVocabSize' | 'targetVocabSize') => {
    const size = config[key] ?? data[key];
    if (size >= data[key]) return size;
    throw new ConfigError(
      `${place}.${key} ${size} is too small: the tokenizer gives ids up to ${data[key] - 1}. ` +
        `Set it to at least ${data[key]}, or leave it out.`,
    );
  };
  const sizes = { sourceVocabSize: sizeOf('sourceVocabSize'), targetVocabSize: sizeOf('targetVocabSize') };
  return translationModelConfig({ ...config, ...sizes }, place);
}
