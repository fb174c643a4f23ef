/** The recomputed-residual Llama decoder: baseline and Methods 1, 2, 3.1, 3.2, 4.1, 4.2 in one native module. */
import path from 'node:path';

import { checkArgument } from '../arguments';
import { parseConfig } from '../config';
import { makeFolder, writeFileAtomically } from '../files';
import { NativeModule, readJson, type NativeModuleOptions } from '../nn';
import type { Tensor } from '../tensor';
import { modelSchema, type ModelConfig, type ModelOptions } from './config';
import { checkMemory, countParameters, embeddingParameters } from './cost';
import { fromHuggingFace, toHuggingFace } from './huggingface';
import { loadWeights, saveWeights } from './weights';

/** Token ids that begin and end a text, kept with the model's files. */
export interface SpecialTokens {
  bosTokenId: number | null;
  eosTokenId: number | null;
}

/** What one evaluation of a batch gives. */
export interface BatchEvaluation {
  /** Mean cross-entropy of the predictions, in nats. */
  loss: number;
  correct: number;
  predicted: number;
}

const configFile = 'config.json';
/**
 * A Llama decoder whose residual stream may be recomputed from earlier layers.
 *
 *     const model = ResidualLlama.create({ vocabSize: 8192, hiddenSize: 256, numHiddenLayers: 8, numAttentionHeads: 8, residual: '3.2' });
 *     const logits = model.forward(ids);                     // [batch, time] int64 -> [batch, time, vocabSize]
 *     await model.save('runs/mine'); await ResidualLlama.load('runs/mine');
 *
 * Parameters have Hugging Face's names. What each variant computes: docs/residual-study.md.
 */
export class ResidualLlama extends NativeModule {
  readonly config: ModelConfig;

  private constructor(config: ModelConfig, options: NativeModuleOptions) {
    super('residual-llama', config, options);
    this.config = config;
  }

  /**
   * Makes a model with fresh weights, drawn from the device's default generator (see `torch.manualSeed`).
   *
   * @throws ConfigError for sizes that do not fit together, OutOfMemoryError when the machine could not hold the weights.
   */
  static create(options: ModelOptions, placement: NativeModuleOptions = {}): ResidualLlama {
    const config = parseConfig(options, modelSchema, 'model');
    checkMemory(config, placement);
    return new ResidualLlama(config, placement);
  }

  /**
   * Loads a model folder of Hugging Face's layout: `config.json` of either form, one safetensors file or shards with an index.
   *
   * @throws CheckpointError for files that are missing, damaged or do not fit; ConfigError for a model of another kind.
   */
  static async load(
    folder: string,
    options: NativeModuleOptions & { signal?: AbortSignal } = {},
  ): Promise<ResidualLlama> {
    checkArgument(folder, 'string', 'The path of a model folder');
    const file = path.join(folder, configFile);
    const { config } = fromHuggingFace(await readJson(file), file);
    const { signal, ...placement } = options;
    const model = ResidualLlama.create(config, placement);
    try {
      await model.loadWeights(folder, signal);
      return model;
    } catch (error) {
      model.dispose();
      throw error;
    }
  }

  get vocabSize(): number {
    return this.config.vocabSize;
  }

  /** Parameters outside the embedding, which `total_flos` counts. */
  get nonEmbeddingParameters(): number {
    return countParameters(this.config) - embeddingParameters(this.config);
  }

  /** Logits `[batch, time, vocabSize]` of token ids `[batch, time]` int64. */
  override forward(ids: Tensor): Tensor {
    return this.#single('forward', [ids]);
  }

  /** `numHiddenLayers + 1` tensors `[batch, time, hiddenSize]`: the input of each layer, then the last one's output before the final norm. */
  hiddenStates(ids: Tensor): Tensor[] {
    return this.call('hiddenStates', [ids]).map((tensor) => tensor!);
  }

  /** Mean cross-entropy of predicting each next id, a scalar to call `backward()` on. `labels` default to the ids themselves. */
  loss(ids: Tensor, labels: Tensor | null = null): Tensor {
    return this.#single('loss', [ids, labels]);
  }

  /** Loss and number of right predictions, without gradients, off the JavaScript thread. */
  async evaluate(
    ids: Tensor,
    labels: Tensor | null = null,
    options: { signal?: AbortSignal } = {},
  ): Promise<BatchEvaluation> {
    const [loss, correct, predicted] = await this.run('evaluate', [ids, labels], options);
    try {
      return { loss: loss!.item(), correct: correct!.item(), predicted: predicted!.item() };
    } finally {
      for (const tensor of [loss, correct, predicted]) tensor?.dispose();
    }
  }

  /** Writes `config.json` and `model.safetensors` into a folder, each whole or not at all. */
  async save(folder: string, special: SpecialTokens = { bosTokenId: null, eosTokenId: null }): Promise<void> {
    await makeFolder(folder);
    await saveWeights(this, folder);
    const dtype = this.#firstParameter().dtype;
    const content = toHuggingFace(this.config, { ...special, dtype });
    await writeFileAtomically(path.join(folder, configFile), `${JSON.stringify(content, null, 2)}\n`);
  }

  /** Copies the weights of a model folder into this model. @throws CheckpointError when they do not fit; nothing is changed then. */
  async loadWeights(folder: string, signal?: AbortSignal): Promise<void> {
    checkArgument(folder, 'string', 'The path of a model folder');
    await loadWeights(this, folder, { tied: this.config.tieWordEmbeddings, signal });
  }

  #single(method: string, inputs: (Tensor | null)[]): Tensor {
    return this.call(method, inputs)[0]!;
  }

  #firstParameter(): Tensor {
    for (const parameter of this.parameters()) return parameter;
    throw new Error('a decoder has parameters');
  }
}
