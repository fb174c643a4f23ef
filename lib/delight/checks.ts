/** What does not fit together in a model's configuration, and what the keys that were left out become. */
import type { z } from 'zod';

import type { LanguageKeys, TranslationKeys } from './keys';
import { nearestWords } from './spacing';
import type { SizeFault } from './stack';

/** Something wrong, and the place of its key. */
export interface Place {
  path: string[];
  message: string;
}

/** Adds an issue for each place, with the value that stands there. */
export function complain(context: z.RefinementCtx, sections: object, places: Place[]): void {
  for (const { path, message } of places)
    context.addIssue({ code: 'custom', path, message, input: valueAt(sections, path) });
}

/** The places of sizes at fault, each with the nearest value that is possible. */
export function sizePlaces<S extends object>(
  sections: S,
  resolved: object,
  faultsOf: (sections: S) => SizeFault[],
): Place[] {
  return faultsOf(sections).map(({ path, reason }) => {
    const value = valueAt(resolved, path) as number;
    const faultsWith = (candidate: number) => faultsOf(withValue(sections, path, candidate)).map(nameOf);
    return { path, message: `${value} ${reason}${nearestWords(path.join('.'), value, faultsWith)}` };
  });
}

const nameOf = ({ path }: SizeFault) => path.join('.');

function valueAt(root: object, path: readonly string[]): unknown {
  return path.reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], root);
}

function withValue<T extends object>(root: T, [key, ...rest]: readonly string[], value: unknown): T {
  const inner = (root as Record<string, object | undefined>)[key!];
  return { ...root, [key!]: rest.length === 0 ? value : withValue(inner ?? {}, rest, value) };
}

export function vocabularyPlaces(keys: TranslationKeys): Place[] {
  const { sourceVocabSize: source, targetVocabSize: target, padTokenId, eosTokenId } = keys;
  const places: Place[] = [];
  const least = Math.min(source ?? Infinity, target ?? Infinity);
  for (const [key, id] of Object.entries({ padTokenId, eosTokenId }))
    if (id >= least) places.push({ path: [key], message: `${id} is not an id of a vocabulary of ${least}` });
  if (padTokenId === eosTokenId) places.push({ path: ['eosTokenId'], message: `${eosTokenId} is also padTokenId` });
  if (keys.shareEmbeddings && source !== undefined && target !== undefined && source !== target) {
    const message = `needs one vocabulary, and these have ${source} and ${target} entries`;
    places.push({ path: ['shareEmbeddings'], message });
  }
  return places;
}

/** Fills in what the output layer takes from the input. */
export function resolveOutput({ adaptiveInput: input, adaptiveSoftmax: softmax, tieWordEmbeddings }: LanguageKeys) {
  const tieWeights = softmax?.tieWeights ?? input !== null;
  return {
    tieWordEmbeddings: tieWordEmbeddings ?? (input === null && softmax === null),
    adaptiveSoftmax: softmax && {
      ...softmax,
      cutoffs: softmax.cutoffs ?? input?.cutoffs ?? [],
      factor: softmax.factor ?? input?.factor ?? 2,
      tieWeights,
      tieProjections: softmax.tieProjections ?? tieWeights,
    },
  };
}

/** `width`: of the first band. */
export function languagePlaces(keys: LanguageKeys, width: number): Place[] {
  const { vocabSize = Infinity, adaptiveInput: input, padTokenId } = keys;
  const { adaptiveSoftmax: softmax, tieWordEmbeddings } = resolveOutput(keys);
  const places: Place[] = [];
  const say = (path: string, message: string) => places.push({ path: path.split('.'), message });
  if (padTokenId !== null && padTokenId >= vocabSize)
    say('padTokenId', `${padTokenId} is not an id of a vocabulary of ${vocabSize}`);
  if (tieWordEmbeddings && (input ?? softmax))
    say('tieWordEmbeddings', 'is for plain tables; with adaptiveSoftmax, tieWeights does this');
  for (const [name, bands] of Object.entries({ adaptiveInput: input, adaptiveSoftmax: softmax })) {
    if (!bands) continue;
    const last = bands.cutoffs.at(-1);
    if (last === undefined) say(`${name}.cutoffs`, 'missing; give a list of ids, such as [20000, 60000]');
    else if (last >= vocabSize) say(`${name}.cutoffs`, `${last} is not below the vocabulary's ${vocabSize} entries`);
    else if (width / bands.factor ** bands.cutoffs.length < 1)
      say(`${name}.factor`, `${bands.factor} leaves no features of ${width} to the last band`);
    if (padTokenId !== null && padTokenId >= (bands.cutoffs[0] ?? Infinity))
      say(`${name}.cutoffs`, `the first must be above padTokenId ${padTokenId}`);
  }
  if (!softmax) return places;
  if (softmax.tieProjections && !softmax.tieWeights)
    say('adaptiveSoftmax.tieProjections', 'needs tieWeights, without which there is nothing to project to');
  if (softmax.tieWeights && !input) say('adaptiveSoftmax.tieWeights', 'needs an adaptiveInput to share with');
  else if (softmax.tieWeights && !(sameList(softmax.cutoffs, input!.cutoffs) && softmax.factor === input!.factor))
    say('adaptiveSoftmax.tieWeights', "needs adaptiveInput's cutoffs and factor");
  return places;
}

const sameList = (a: readonly number[], b: readonly number[]) => a.join() === b.join();

export function shufflePlaces({ shuffle, define }: { shuffle?: boolean | undefined; define: boolean }): Place[] {
  return shuffle && define
    ? [{ path: ['shuffle'], message: 'must be false with define: its units never shuffle' }]
    : [];
}
