/** The recomputed-residual Llama decoder: baseline and Methods 1, 2, 3.1, 3.2, 4.1, 4.2 in one native module. */
import { checkArgument } from '../arguments';
import { parseConfig } from '../config';
import type { TextTokenizer } from '../data';
import { CheckpointError } from '../errors';
import { generate, type GeneratedPiece, type GenerateOptions, type Prompt } from '../generation';
import { NativeModule, type NativeModuleOptions } from '../nn';
import type { Tensor } from '../tensor';
import { modelSchema, residualSchema, type ModelConfig, type ModelOptions } from './config';
import { forwardFlops } from './cost';
import { checkMemory } from './fits';
import { countParameters, embeddingParameters } from './parameters';
import { readModelFolder, writeModelFolder, type SaveOptions } from './folder';
import type { SpecialTokens } from './huggingface';
import { countElements, fillModule, inspectWeights, type FolderWeights } from './weights';

export interface LoadOptions extends NativeModuleOptions {
  /**
   * Another residual than the folder's: a variant's name (`'3.2'`) or its switches. The learned weights it adds begin at their initial
   * value; `newParameters` names them.
   */
  residual?: ModelOptions['residual'];
  /** How passes are run, as in `ResidualLlama.create`: no folder tells. */
  activationCheckpointing?: boolean;
  probabilityBudget?: number;
  signal?: AbortSignal | undefined;
}

/** What one evaluation of a batch gives. */
export interface BatchEvaluation {
  /** Mean cross-entropy of the predictions, in nats. */
  loss: number;
  correct: number;
  predicted: number;
}

/** A parameter that only some variants have. */
const isLearnedWeight = (name: string) => name.endsWith('.layer_weights');

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
   * Loads a model folder of Hugging Face's layout: `config.json` of either form, one safetensors file or shards with an index, and the
   * tokenizer where there is a `tokenizer.json`.
   *
   *     const model = await ResidualLlama.load('llama', { residual: '3.2' });       // a variant with a pretrained baseline's weights
   *
   * @throws CheckpointError for files that are missing, damaged or do not fit; ConfigError for a model of another kind or one that uses what
   *   is not computed here; DataError for a damaged tokenizer.
   */
  static async load(folder: string, options: LoadOptions = {}): Promise<ResidualLlama> {
    checkArgument(folder, 'string', 'The path of a model folder');
    checkArgument(options, 'object', 'The options of ResidualLlama.load');
    const { residual, activationCheckpointing, probabilityBudget, signal, ...placement } = options;
    const held = await readModelFolder(folder);
    const changes = {
      ...(residual !== undefined && { residual: parseConfig(residual, residualSchema, 'residual') }),
      ...(activationCheckpointing !== undefined && { activationCheckpointing }),
      ...(probabilityBudget !== undefined && { probabilityBudget }),
    };
    const config = parseConfig({ ...held.config, ...changes }, modelSchema, folder);
    const weights = await inspectWeights(folder, config.tieWordEmbeddings);
    refuseFarTooLarge(config, weights);
    const model = ResidualLlama.create(config, placement);
    try {
      model.#newParameters = await fillModule(
        model,
        weights,
        residual === undefined ? () => false : isLearnedWeight,
        signal,
      );
      model.tokenizer = await held.openTokenizer();
      model.specialTokens = held.specialTokens(model.tokenizer);
      return model;
    } catch (error) {
      model.dispose();
      throw error;
    }
  }

  /** Of the folder that the model was loaded from; set it to save a model with one. */
  tokenizer: TextTokenizer | null = null;

  /** As the folder's `generation_config.json`, else its `config.json`, else its tokenizer says. */
  specialTokens: SpecialTokens = { bosTokenId: null, eosTokenId: null };

  #newParameters: readonly string[] = [];

  /** Names of the parameters that `load` did not find in the folder: learned weights that another residual adds, at their initial value. */
  get newParameters(): readonly string[] {
    return this.#newParameters;
  }

  get vocabSize(): number {
    return this.config.vocabSize;
  }

  /**
   * Goes on with a prompt, or with several at once, a token at a time; a prompt is a text or token ids. Each step is a job off the JavaScript
   * thread; leaving the loop frees all memory at once. Positions go on beyond `maxPositionEmbeddings`. The weights must stay as they are
   * meanwhile.
   *
   *     for await (const { text } of model.generate('Call me', { temperature: 0.8, topP: 0.95, seed: 1 })) process.stdout.write(text);
   *
   * @throws ArgumentError for a prompt without tokens, texts without a tokenizer, and options that make no sense; DataError for ids outside the
   *   vocabulary; NonFiniteError; AbortError
   */
  generate(
    prompt: Prompt | readonly Prompt[],
    options: GenerateOptions = {},
  ): AsyncGenerator<GeneratedPiece, void, undefined> {
    return generate(this, prompt, options, { maxPositions: Infinity, banned: [], ...this.specialTokens });
  }

  /** Parameters outside the embedding, which `total_flos` counts. */
  get nonEmbeddingParameters(): number {
    return countParameters(this.config) - embeddingParameters(this.config);
  }

  /** Floating-point operations of training on a sequence of so many tokens: three times those of the forward pass, as `modelCost` counts them. */
  trainingFlops(time: number): number {
    return 3 * forwardFlops(this.config, time).total * time;
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

  /**
   * Writes a folder of Hugging Face's layout: `config.json`, the weights, `generation_config.json` where special tokens are known, and the tokenizer
   * where the model has one. Python's transformers opens it unless the residual is one of ours. Nothing in the folder changes before all
   * files are complete.
   *
   * @throws CheckpointError, or Node's own error, when it cannot be written; ArgumentError
   */
  async save(folder: string, options: SaveOptions = {}): Promise<void> {
    checkArgument(folder, 'string', 'The path of a model folder');
    checkArgument(options, 'object', 'The options of save');
    await writeModelFolder(this, folder, options);
  }

  /** Copies the weights of a model folder into this model. @throws CheckpointError when they do not fit; nothing is changed then */
  async loadWeights(folder: string, signal?: AbortSignal): Promise<void> {
    checkArgument(folder, 'string', 'The path of a model folder');
    const weights = await inspectWeights(folder, this.config.tieWordEmbeddings);
    await fillModule(this, weights, () => false, signal);
  }

  #single(method: string, inputs: (Tensor | null)[]): Tensor {
    return this.call(method, inputs)[0]!;
  }
}

/** A configuration may ask for more than the machine has; where it is far from what the files hold, it is not even tried. */
function refuseFarTooLarge(config: ModelConfig, weights: FolderWeights): void {
  const [wanted, held] = [countParameters(config), countElements(weights)];
  if (wanted <= 2 * held) return;
  throw new CheckpointError(
    `The weights in ${weights.folder} do not fit the model: config.json describes ${wanted} parameters, and they are ${held}.`,
  );
}
