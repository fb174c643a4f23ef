/** A study's text, and the models' configurations that it completes. */
import { prepareData, type PreparedData } from '../../data';
import { languageModelConfig, type LanguageModelConfig, type LanguageModelSection } from '../../delight';
import { ConfigError } from '../../errors';
import { torch, type Device } from '../../tensor';
import type { StudyModel } from '../models/models';
import type { StudyOptions } from '../shared/options';
import type { LanguageModelStudyConfig } from './config';

/** Makes a study's data ready. @throws DeviceError before anything else when the study's device is not there */
export async function prepareStudyText(
  study: LanguageModelStudyConfig,
  { signal, onEvent, cacheDir }: StudyOptions,
): Promise<PreparedData> {
  torch.zeros([1], { device: study.device as Device }).dispose();
  const data = await prepareData(study.data, {
    maxPositionEmbeddings: Math.min(...Object.values(study.models).map((model) => model.maxPositionEmbeddings)),
    onProgress: (progress) => onEvent?.({ type: 'data', progress }),
    ...(signal && { signal }),
    ...(cacheDir !== undefined && { cacheDir }),
  });
  onEvent?.({ type: 'prepared', description: data.description });
  return data;
}

/** A model's whole configuration, its vocabulary that of the data. @throws ConfigError when the two do not fit together */
export function modelConfigOf(
  { title, config }: StudyModel<LanguageModelSection>,
  data: PreparedData,
): LanguageModelConfig {
  const place = `models.${title}`;
  const vocabSize = config.vocabSize ?? data.vocabSize;
  if (vocabSize < data.vocabSize) {
    throw new ConfigError(
      `${place}.vocabSize ${vocabSize} is too small: the tokenizer gives ids up to ${data.vocabSize - 1}. ` +
        `Set it to at least ${data.vocabSize}, or leave it out.`,
    );
  }
  if (data.train.blockSize > config.maxPositionEmbeddings && config.positions !== 'none') {
    throw new ConfigError(
      `${place}.maxPositionEmbeddings ${config.maxPositionEmbeddings} is less than the blocks' ${data.train.blockSize} tokens; ` +
        'raise it, or lower data.blockSize.',
    );
  }
  return languageModelConfig({ ...config, vocabSize }, place);
}
