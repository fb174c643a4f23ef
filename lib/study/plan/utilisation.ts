/** What part of a device's speed trainings reach. */

/**
 * Of the speed of matrix products, as they are measured; norms, activations and memory's own pace take the rest. On a CPU as measured on trainings in
 * float32 of 2 cores: decoders of the residual study 0.65 to 0.73 (0.35 with 64 channels), DeLighT 0.52, Transformers 0.55. On GPUs the figure that
 * well-run trainings are usually reported with.
 */
export function usualUtilisation({ task, device }: { task?: string; device: string }): number {
  if (device !== 'cpu') return 0.35;
  return task === undefined ? 0.6 : 0.5;
}
