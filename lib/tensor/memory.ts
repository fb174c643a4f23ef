/** How much is alive. */
import { native } from '../native';

export interface Memory {
  /** Live tensor handles of this thread. */
  tensors: number;
  /** Bytes of the distinct storages behind them, by device. */
  bytes: Record<string, number>;
}

/** Counts live tensors of this thread and the bytes behind them. Two calls around a piece of work show whether it leaks. */
export function memory(): Memory {
  return native.memory();
}
