/** A study's text, and the variants' configurations that it completes. */
import { existsSync } from 'node:fs';

import { prepareData, type PreparedData } from '../../data';
import { ConfigError } from '../../errors';
import type { ModelConfig } from '../../residual';
import { torch, type Device } from '../../tensor';
import type { StudyOptions } from '../shared/options';
import type { StudyConfig, StudyVariant } from './config';

/** Makes a study's data ready. @throws DeviceError before anything else when the study's device is not there */
export async function prepareStudyData(
  study: StudyConfig,
  { signal, onEvent, cacheDir }: StudyOptions,
): Promise<PreparedData> {
  torch.zeros([1], { device: study.device as Device }).dispose();
  const data = await prepareData(study.data, {
    maxPositionEmbeddings: study.model.maxPositionEmbeddings,
    onProgress: (progress) => onEvent?.({ type: 'data', progress }),
    ...(signal && { signal }),
    ...(cacheDir !== undefined && { cacheDir }),
  });
  onEvent?.({ type: 'prepared', description: data.description });
  return data;
}

/** A variant's model configuration. @throws ConfigError when the vocabulary cannot hold the tokenizer's ids */
export function modelConfigOf(study: StudyConfig, variant: StudyVariant, data: PreparedData): ModelConfig {
  const vocabSize = study.model.vocabSize ?? data.vocabSize;
  if (vocabSize < data.vocabSize) {
    throw new ConfigError(
      `model.vocabSize ${vocabSize} is too small: the tokenizer gives ids up to ${data.vocabSize - 1}. ` +
        `Set it to at least ${data.vocabSize}, or leave it out.`,
    );
  }
  const { pretrained, ...sizes } = study.model;
  if (pretrained !== undefined && !existsSync(pretrained))
    throw new ConfigError(`model.pretrained ${pretrained} is not there; give the folder of the model to begin with.`);
  return { ...sizes, vocabSize, residual: variant.residual };
}
