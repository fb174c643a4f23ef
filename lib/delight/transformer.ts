/** Encoder-decoder models for translation: DeLighT, and the Transformer it is compared with. */
import { checkMemory, NativeModule, type NativeModuleOptions } from '../nn';
import type { Tensor } from '../tensor';
import { translationModelConfig, type TranslationModelConfig, type TranslationModelOptions } from './config';
import { countParameters, modelCost, tableParameters, type Lengths } from './cost';
import { loadModel, saveModel, type LoadModelOptions } from './model-files';
import { translationNativePlan } from './native-plan';
import { loadWeights, saveWeights, type WeightOptions } from './state-dict';

/** What an evaluation of a batch gives. */
export interface TranslationEvaluation {
  /** Mean cross-entropy of the targets that are not padding, in nats, without label smoothing. */
  loss: number;
  correct: number;
  predicted: number;
}

/**
 * A translation model: `type: 'delight'` or, in the same frame, `type: 'transformer'`.
 *
 *     const model = DelightTransformer.create({ architecture: 'delight-wmt14-en-de-640', sourceVocabSize: 32000, targetVocabSize: 32000 });
 *     const logits = model.forward(source, previous);        // [batch, time, targetVocabSize]
 *
 * Source ids are padded on the left and end with the end mark; the decoder's input begins with it and is padded on the right. Parameters
 * have the names of the original's state dict. Source: DeLighT (Mehta et al. 2021).
 */
export class DelightTransformer extends NativeModule {
  readonly config: TranslationModelConfig;

  private constructor(config: TranslationModelConfig, placement: NativeModuleOptions) {
    const { sourceVocabSize, targetVocabSize, hiddenSize } = config;
    checkMemory(countParameters(config), placement, { sourceVocabSize, targetVocabSize, hiddenSize });
    super('delight-seq2seq', translationNativePlan(config), placement);
    this.config = config;
  }

  /**
   * Makes a model with fresh weights, drawn from the device's default generator (see `torch.manualSeed`).
   * @throws ConfigError for sizes that do not fit together, OutOfMemoryError when the machine could not hold the weights
   */
  static create(options: TranslationModelOptions, placement: NativeModuleOptions = {}): DelightTransformer {
    return new DelightTransformer(translationModelConfig(options), placement);
  }

  /**
   * Loads a model folder as `save` writes it.
   * @throws CheckpointError for files that are missing, damaged or do not fit; ConfigError for a model of another kind
   */
  static async load(folder: string, { signal, ...placement }: LoadModelOptions = {}): Promise<DelightTransformer> {
    const make = (config: object, where: string) =>
      new DelightTransformer(translationModelConfig(config as TranslationModelOptions, where), placement);
    return loadModel(folder, 'translation', make, signal);
  }

  /** Ids that targets may have: 0 ... vocabSize - 1. */
  get vocabSize(): number {
    return this.config.targetVocabSize;
  }

  /** Parameters outside the look-up tables. */
  get nonEmbeddingParameters(): number {
    return countParameters(this.config) - tableParameters(this.config);
  }

  /** Floating-point operations of training on a pair of such lengths: three times those of the forward pass, as `modelCost` counts them. */
  trainingFlops(lengths: Lengths): number {
    return 3 * 2 * modelCost(this.config, lengths).total.passMacs;
  }

  /** Logits `[batch, time, targetVocabSize]` of `source` `[batch, sourceTime]` and the decoder's input `previous` `[batch, time]`, both int64. */
  override forward(source: Tensor, previous: Tensor): Tensor {
    return this.call('forward', [source, previous])[0]!;
  }

  /** The encoder alone: `output` `[sourceTime, batch, hiddenSize]`, `paddingMask` bool `[batch, sourceTime]` or null when nothing is padding. */
  encode(source: Tensor): { output: Tensor; paddingMask: Tensor | null } {
    const [output, paddingMask] = this.call('encode', [source]);
    return { output: output!, paddingMask: paddingMask ?? null };
  }

  /**
   * Means over the targets that are not padding (zero when there is none): the label-smoothed `loss` to call `backward()` on, and the plain
   * cross-entropy `nll`, in nats.
   */
  loss(source: Tensor, previous: Tensor, target: Tensor): { loss: Tensor; nll: Tensor } {
    const [loss, nll] = this.call('loss', [source, previous, target]);
    return { loss: loss!, nll: nll! };
  }

  /** Loss and number of right predictions, without gradients, off the JavaScript thread. */
  async evaluate(
    source: Tensor,
    previous: Tensor,
    target: Tensor,
    options: { signal?: AbortSignal } = {},
  ): Promise<TranslationEvaluation> {
    const [loss, correct, predicted] = await this.run('evaluate', [source, previous, target], options);
    try {
      return { loss: loss!.item(), correct: correct!.item(), predicted: predicted!.item() };
    } finally {
      for (const tensor of [loss, correct, predicted]) tensor?.dispose();
    }
  }

  /** Writes `config.json` and `model.safetensors` into a folder, each whole or not at all. */
  async save(folder: string): Promise<void> {
    await saveModel(this, 'translation', folder);
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
