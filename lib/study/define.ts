/** Studies written in TypeScript or JavaScript. */
import type { LanguageModelStudyInput } from './language-model/config';
import type { AnyStudyInput } from './read';
import type { StudyInput } from './residual/config';
import type { SweepInput } from './sweep/section';
import type { TranslationStudyInput } from './translation/config';

/** Any part of a section: what it says nothing about, the studies it stands on say. */
type Part<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { [Key in keyof T]?: Part<T[Key]> | undefined }
    : T;

type AnyKey = keyof StudyInput | keyof TranslationStudyInput | keyof LanguageModelStudyInput;
/** Part of one kind of study, without the keys that only others have. */
type PartOf<Study> = Part<Study> & { [Key in Exclude<AnyKey, keyof Study>]?: never };

/** What a study's file may hold: a whole study, or what differs from those it extends: files relative to it, or shipped studies. */
export type StudyFile = (
  | (AnyStudyInput & { extends?: never })
  | ({ extends: string | string[] } & (
      PartOf<StudyInput> | PartOf<TranslationStudyInput> | PartOf<LanguageModelStudyInput>
    ))
) & {
  /** For `torchwright sweep` alone: which keys take which values. */
  sweep?: SweepInput;
};

/** What a study's module exports by default. */
export type StudyDefinition = StudyFile | (() => StudyFile | Promise<StudyFile>);

/**
 * Gives the study back as it is: it is there for the types, so that an editor knows the keys.
 *
 * @example
 * // study.ts, for `torchwright compare study.ts`
 * export default defineStudy({ extends: 'demo', name: 'wider', model: { hiddenSize: 128 } });
 */
export function defineStudy<Definition extends StudyDefinition>(study: Definition): Definition {
  return study;
}
