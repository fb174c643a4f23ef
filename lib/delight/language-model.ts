/** Language models: DeLighT, and the Transformer it is compared with. */
import { existsSync } from 'node:fs';
import path from 'node:path';

import { loadTokenizer, type TextTokenizer } from '../data';
import { generate, type GeneratedPiece, type GenerateOptions, type Prompt } from '../generation';
import { checkMemory, NativeModule, type NativeModuleOptions } from '../nn';
import type { Tensor } from '../tensor';
import { languageModelConfig, type LanguageModelConfig, type LanguageModelOptions } from './config';
import { countParameters, modelCost, tableParameters } from './cost';
import { loadModel, saveModel, type LoadModelOptions } from './model-files';
import { languageNativePlan } from './native-plan';
import { loadWeights, saveWeights, type WeightOptions } from './state-dict';

/** What one evaluation of a batch gives. */
export interface LanguageEvaluation {
  /** Mean cross-entropy of the predictions, in nats. */
  loss: number;
  correct: number;
  predicted: number;
}

/**
 * A language model: `type: 'delight'` or, in the same frame, `type: 'transformer'`.
 *
 *     const model = DelightLanguageModel.create({ architecture: 'delight-wiki103-1024', vocabSize: 267744 });
 *     const loss = model.loss(ids);                          // predicts each next id
 *
 * Parameters have the names of the original's state dict. Source: DeLighT (Mehta et al. 2021), section 4.2.
 */
export class DelightLanguageModel extends NativeModule {
  readonly config: LanguageModelConfig;

  private constructor(config: LanguageModelConfig, placement: NativeModuleOptions) {
    const { vocabSize, hiddenSize } = config;
    checkMemory(countParameters(config), placement, { vocabSize, hiddenSize });
    super('delight-language-model', languageNativePlan(config), placement);
    this.config = config;
  }

  /**
   * Makes a model with fresh weights, drawn from the device's default generator (see `torch.manualSeed`).
   * @throws ConfigError for sizes that do not fit together, OutOfMemoryError when the machine could not hold the weights
   */
  static create(options: LanguageModelOptions, placement: NativeModuleOptions = {}): DelightLanguageModel {
    return new DelightLanguageModel(languageModelConfig(options), placement);
  }

  /**
   * Loads a model folder as `save` writes it, with the tokenizer where there is a `tokenizer.json`.
   * @throws CheckpointError for files that are missing, damaged or do not fit; ConfigError for a model of another kind
   */
  static async load(folder: string, { signal, ...placement }: LoadModelOptions = {}): Promise<DelightLanguageModel> {
    const make = (config: object, where: string) =>
      new DelightLanguageModel(languageModelConfig(config as LanguageModelOptions, where), placement);
    const model = await loadModel(folder, 'language', make, signal);
    try {
      if (existsSync(path.join(folder, 'tokenizer.json'))) model.tokenizer = await loadTokenizer(folder);
      return model;
    } catch (error) {
      model.dispose();
      throw error;
    }
  }

  /** Of the folder that the model was loaded from; set it to generate from text, or to save a model with one. */
  tokenizer: TextTokenizer | null = null;

  get vocabSize(): number {
    return this.config.vocabSize;
  }

  /**
   * Goes on with a prompt, or with several at once, a token at a time; a prompt is a text or token ids. Each step is a job off the JavaScript
   * thread; leaving the loop frees all memory at once. The weights must stay as they are meanwhile.
   *
   *     for await (const { text } of model.generate('Call me', { temperature: 0.8, topP: 0.95, seed: 1 })) process.stdout.write(text);
   *
   * @throws ArgumentError for a prompt without tokens or that leaves no room in the model's positions, texts without a tokenizer, and options that
   *   make no sense; DataError for ids outside the vocabulary; NonFiniteError; AbortError
   */
  generate(
    prompt: Prompt | readonly Prompt[],
    options: GenerateOptions = {},
  ): AsyncGenerator<GeneratedPiece, void, undefined> {
    const { maxPositionEmbeddings, padTokenId } = this.config;
    return generate(this, prompt, options, {
      maxPositions: maxPositionEmbeddings,
      banned: padTokenId === null ? [] : [padTokenId],
      bosTokenId: this.tokenizer?.bosTokenId ?? null,
      eosTokenId: this.tokenizer?.eosTokenId ?? null,
    });
  }

  /** Parameters outside the look-up tables. */
  get nonEmbeddingParameters(): number {
    return countParameters(this.config) - tableParameters(this.config);
  }

  /** Floating-point operations of training on a sequence of so many tokens: three times those of the forward pass, as `modelCost` counts them. */
  trainingFlops(time: number): number {
    return 3 * 2 * modelCost(this.config, { source: time, target: time }).total.passMacs;
  }

  /** What the output layer sees, `[batch, time, width]`, of ids `[batch, time]` int64; the width is that of the look-up table. */
  features(ids: Tensor): Tensor {
    return this.call('features', [ids])[0]!;
  }

  /** Logits `[batch, time, vocabSize]` of ids `[batch, time]` int64; with an adaptive softmax, natural logarithms of probabilities. */
  override forward(ids: Tensor): Tensor {
    return this.call('forward', [ids])[0]!;
  }

  /** Mean cross-entropy of predicting each next id, a scalar to call `backward()` on. `labels` default to the ids themselves. */
  loss(ids: Tensor, labels: Tensor | null = null): Tensor {
    return this.call('loss', [ids, labels])[0]!;
  }

  /** Loss of each position by itself, in nats, `[batch, time]`; `targets[b, t]` is what follows `ids[b, t]`. 0 at padding. */
  tokenLosses(ids: Tensor, targets: Tensor): Tensor {
    return this.call('tokenLosses', [ids, targets])[0]!;
  }

  /** Loss and number of right predictions, without gradients, off the JavaScript thread. */
  async evaluate(
    ids: Tensor,
    labels: Tensor | null = null,
    options: { signal?: AbortSignal } = {},
  ): Promise<LanguageEvaluation> {
    const [loss, correct, predicted] = await this.run('evaluate', [ids, labels], options);
    try {
      return { loss: loss!.item(), correct: correct!.item(), predicted: predicted!.item() };
    } finally {
      for (const tensor of [loss, correct, predicted]) tensor?.dispose();
    }
  }

  /** Writes `config.json`, `model.safetensors` and the tokenizer's files, if any, into a folder, each whole or not at all. */
  async save(folder: string): Promise<void> {
    await saveModel(this, 'language', folder);
    await this.tokenizer?.save(folder);
  }

  /** Writes the weights alone, as safetensors or PyTorch's `.pt`. @throws CheckpointError */
  async saveWeights(file: string, options: WeightOptions = {}): Promise<void> {
    await saveWeights(this, file, options);
  }

  /** Copies weights of the original's keys into this model. @throws CheckpointError when they do not fit; nothing is changed then */
  async loadWeights(file: string, options: WeightOptions = {}): Promise<void> {
    await loadWeights(this, file, options);
  }
}
