/** A training's events as records of its history. */
import path from 'node:path';

import type { HistoryRecord } from '../../metrics';
import { native } from '../../native';
import { version } from '../../version';
import type { StepEvent, TrainEvent } from '../events';

/** What the events do not tell. */
export interface RecordFacts {
  /** The run's folder. */
  folder: string;
  device: () => string;
  /** What is trained, in a few words. */
  title?: string | undefined;
}

/** When an event came. */
interface Moment {
  /** Of training. */
  seconds: number;
  epoch: number;
}

/** The record of an event; undefined for those that history has no place for. */
export function recordOf(
  event: TrainEvent,
  { seconds, epoch }: Moment,
  { folder, device, title }: RecordFacts,
): HistoryRecord | undefined {
  switch (event.type) {
    case 'start': {
      const time = new Date().toISOString();
      const versions = { torchwright: version, libtorch: native.versions().loaded, node: process.versions.node };
      const resumedFrom = event.resumedFrom && path.relative(folder, event.resumedFrom);
      return { ...event, time, device: device(), versions, resumedFrom, ...(title !== undefined && { title }) };
    }
    case 'step':
      return stepRecord(event);
    case 'evaluation': {
      const { type, step, metrics, best, layerWeights } = event;
      return { type, step, seconds, epoch, metrics, best, ...(layerWeights?.length && { layerWeights }) };
    }
    case 'checkpoint':
      return { ...event, seconds, folder: path.relative(folder, event.folder) };
    case 'sample':
    case 'warning':
      return { ...event, seconds };
    case 'end': {
      const { type, step, reason, error, metrics } = event;
      return { type, step, seconds, reason, error, metrics };
    }
    default:
      return undefined;
  }
}

function stepRecord(event: StepEvent): HistoryRecord {
  const { type, step, elapsed: seconds, epoch, loss, nll, gradNorm, learningRate, tokens, tokensPerSecond } = event;
  const { split, mfu, memory, scale, metrics } = event;
  return {
    type,
    step,
    seconds,
    epoch,
    loss,
    ...(nll !== loss && { nll }),
    gradNorm,
    learningRate,
    tokens,
    tokensPerSecond,
    split,
    ...(mfu !== null && { mfu }),
    memory: memory.resident,
    peakMemory: memory.peak,
    ...(memory.device !== undefined && { deviceMemory: memory.device, peakDeviceMemory: memory.peakDevice }),
    ...(scale !== undefined && { scale }),
    ...(metrics && { metrics }),
  };
}
