/** Short-time Fourier transforms. */
import { operatorFunctions as operators } from '../surface';
import type { Tensor } from '../tensor';
import { composite } from './composite';

export const signalComposites = [
  composite({
    signature:
      'stft(Tensor input, int nFft, int? hopLength=None, int? winLength=None, Tensor? window=None, bool center=True, ' +
      'constant|reflect|replicate|circular padMode="reflect", bool normalized=False, bool? onesided=None, ' +
      'bool? returnComplex=None, bool? alignToWindow=None) -> Tensor',
    doc: 'Short-time Fourier transform of `[time]` or `[batch, time]`: `[..., frequency, frame]`, complex.',
    as: 'both',
    run: (
      input: Tensor,
      nFft: number,
      hopLength: number | null,
      winLength: number | null,
      window: Tensor | null,
      center: boolean,
      padMode: string,
      ...rest: [boolean, boolean | null, boolean | null, boolean | null]
    ) => {
      const [normalized, onesided, returnComplex, alignToWindow] = rest;
      const options = { hopLength, winLength, window, normalized, onesided, returnComplex, alignToWindow };
      return operators.stft(input, nFft, { ...options, center, padMode });
    },
  }),
  composite({
    signature:
      'istft(Tensor input, int nFft, int? hopLength=None, int? winLength=None, Tensor? window=None, bool center=True, ' +
      'bool normalized=False, bool? onesided=None, int? length=None, bool returnComplex=False) -> Tensor',
    doc: 'Inverse of `stft`: the signal whose transform is nearest, `[time]` or `[batch, time]`.',
    as: 'both',
    run: (
      input: Tensor,
      nFft: number,
      hopLength: number | null,
      winLength: number | null,
      window: Tensor | null,
      ...rest: [boolean, boolean, boolean | null, number | null, boolean]
    ) => {
      const [center, normalized, onesided, length, returnComplex] = rest;
      const options = { hopLength, winLength, window, center, normalized, onesided, length, returnComplex };
      return operators.istft(input, nFft, options);
    },
  }),
];
