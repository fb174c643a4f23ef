/** How the machine is divided between the processes of a sweep. */
export interface Machine {
  cores: number;
  gpus: number;
  env: NodeJS.ProcessEnv;
}

/**
 * The environment of the process in one of the places: its share of the threads, OMP_NUM_THREADS or one for each core being all of them; and
 * one of the GPUs, where there are several.
 */
export function environmentOf(place: number, processes: number, { cores, gpus, env }: Machine): NodeJS.ProcessEnv {
  if (processes === 1) return env;
  const threads = Number.parseInt(env['OMP_NUM_THREADS'] ?? '', 10) || cores;
  const share = String(Math.max(1, Math.floor(threads / processes)));
  const visible = env['CUDA_VISIBLE_DEVICES']?.split(',') ?? Array.from({ length: gpus }, (_, index) => String(index));
  const gpu = gpus > 1 ? { CUDA_VISIBLE_DEVICES: visible[place % gpus] } : {};
  return { ...env, OMP_NUM_THREADS: share, ...gpu };
}
