import type { NativeModule } from './native-module';

/** A model that translates sentences of token ids: `DelightTransformer`, or any native module that decodes as it does. */
export interface TranslationModel extends NativeModule {
  readonly config: {
    readonly sourceVocabSize: number;
    readonly targetVocabSize: number;
    /** The longest sentences it takes, end marks counted. */
    readonly maxSourcePositions: number;
    readonly maxTargetPositions: number;
    /** Fills up short sentences. */
    readonly padTokenId: number;
    /** Ends sentences, and begins the decoder's input. */
    readonly eosTokenId: number;
  };
}
