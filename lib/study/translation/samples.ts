/** What a translation model makes of some validation sentences while it is trained: greedily, which is quick and draws nothing. */
import type { PreparedPairs } from '../../data';
import { Translator, type DelightTransformer } from '../../delight';
import type { SamplesConfig } from '../shared/header';
import type { RunSample } from '../shared/record';

export async function sampleTranslations(
  model: DelightTransformer,
  { validationText: { source, target }, sourceTokenizer, targetTokenizer }: PreparedPairs,
  { size: { count, tokens }, signal }: { size: SamplesConfig; signal?: AbortSignal | undefined },
): Promise<RunSample[]> {
  const shown = Math.min(count, source.length);
  const places = Array.from({ length: shown }, (_, index) => Math.floor((index * source.length) / shown));
  const translator = new Translator(model, { source: sourceTokenizer, target: targetTokenizer });
  const samples: RunSample[] = [];
  const options = { beams: 1, maxLengthB: tokens, tooLong: 'cut', signal } as const;
  for await (const { text } of translator.translate(
    places.map((place) => source[place]!),
    options,
  )) {
    const place = places[samples.length]!;
    samples.push({ source: source[place]!, reference: target[place]!, text });
  }
  return samples;
}
