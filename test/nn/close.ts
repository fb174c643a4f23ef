import { torch, type Tensor } from '../../lib/tensor';

/** Largest absolute difference between a tensor and nested arrays of its shape. */
export function farthest(actual: Tensor, expected: unknown): number {
  return torch.scope(() => {
    const wanted = torch.tensor(expected as number[], { dtype: 'float64' });
    expect(actual.shape).toEqual(wanted.shape);
    return wanted.numel === 0 ? 0 : actual.detach().to('float64').sub(wanted).abs().max().item();
  });
}
