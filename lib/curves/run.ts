/** A run as far as its `metrics.jsonl` tells, in columns: it can be read while it is written. */
import fs from 'node:fs/promises';
import path from 'node:path';

import {
  HistoryReader,
  type EndRecord,
  type EvaluationRecord,
  type HistoryRecord,
  type SampleRecord,
  type StartRecord,
  type StepRecord,
} from '../metrics';
import { Rows, type Place } from './rows';
import { meanOf } from './thin';

/** Something that happened at a step, which stands on the curves and in the list of events. */
export interface Mark extends Place {
  kind: 'checkpoint' | 'warning' | 'resumed' | 'end';
  text: string;
  /** Of a checkpoint: the best so far. */
  best: boolean;
}

export interface Evaluation extends Place {
  metrics: EvaluationRecord['metrics'];
  best: boolean;
  layerWeights: EvaluationRecord['layerWeights'];
}

export interface Sampled extends Place {
  samples: SampleRecord['samples'];
}

/** The numbers of a step that have a curve. */
function* valuesOf({ loss, nll, split, metrics, ...step }: StepRecord): Generator<readonly [string, number]> {
  // Where the loss is smoothed over labels, the plain cross-entropy is what evaluations can be compared with.
  yield ['loss', nll ?? loss];
  if (nll !== undefined) yield ['objective', loss];
  for (const name of curveNames) {
    const value = step[name];
    if (value !== undefined) yield [name, value];
  }
  for (const [part, seconds] of Object.entries(split)) yield [`split.${part}`, seconds];
  yield ['stepSeconds', split.data + split.forward + split.backward + split.optimizer];
  for (const [name, value] of Object.entries(metrics ?? {})) yield [`metrics.${name}`, value];
}
const curveNames = [
  'gradNorm',
  'learningRate',
  'tokensPerSecond',
  'mfu',
  'memory',
  'peakMemory',
  'deviceMemory',
  'peakDeviceMemory',
  'scale',
] as const;

/** A warning at every step must not fill the memory: older marks go. */
const mostMarks = 2000;

export class Run {
  /** Grows with everything new: who has seen a version need not look again. */
  version = 0;
  rows = new Rows();
  evaluations: Evaluation[] = [];
  samples: Sampled[] = [];
  marks: Mark[] = [];
  start: StartRecord | undefined;
  lastStep: StepRecord | undefined;
  end: EndRecord | undefined;
  best: { step: number; loss: number } | undefined;
  /** The first thing that is wrong with the file; what can be read of it is shown all the same. */
  problem: string | undefined;
  /** When the file was last written, in milliseconds since 1970. */
  heard: number | undefined;
  readonly #reader: HistoryReader;
  #looking: Promise<void> | undefined;

  /** @param name of the run, where its records tell no title */
  constructor(
    readonly folder: string,
    readonly name: string = path.basename(path.resolve(folder)),
  ) {
    this.#reader = new HistoryReader(folder, ({ message }) => this.#complain(message));
  }

  get title(): string {
    return this.start?.title ?? this.name;
  }

  /** The mean of a column over its last rows; null where none is finite. */
  recent(name: string, rows = 20): number | null {
    return meanOf(this.rows.values(name).subarray(-rows));
  }

  /** Reads what is new. Never throws: what is wrong is shown. */
  look(): Promise<void> {
    this.#looking ??= this.#read().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  async #read(): Promise<void> {
    const before = this.version;
    try {
      for await (const { records, anew } of this.#reader.pieces()) {
        if (anew) this.#forget();
        for (const record of records) this.#take(record);
        if (anew || records.length > 0) this.version++;
      }
      if (this.version !== before) this.heard = (await fs.stat(this.#reader.file)).mtimeMs;
    } catch (error) {
      this.#complain((error as Error).message);
    }
  }

  #complain(message: string): void {
    if (this.problem === undefined) this.version++;
    this.problem ??= message.replace(path.resolve(this.folder) + path.sep, '');
  }

  #forget(): void {
    this.rows = new Rows();
    this.evaluations = [];
    this.samples = [];
    this.marks = [];
    this.start = this.lastStep = this.end = this.best = this.problem = undefined;
  }

  #take(record: HistoryRecord): void {
    switch (record.type) {
      case 'start':
        return this.#begin(record);
      case 'step': {
        const { step, seconds, tokens } = record;
        this.rows.cutAt(step);
        this.rows.add({ step, seconds, tokens: this.rows.last('tokens') + tokens }, valuesOf(record));
        this.lastStep = record;
        return;
      }
      case 'evaluation': {
        const { metrics, best, step, layerWeights } = record;
        this.evaluations.push({ ...this.#placeOf(record), metrics, best, layerWeights });
        if (best && metrics.eval_loss !== undefined) this.best = { step, loss: metrics.eval_loss };
        return;
      }
      case 'checkpoint':
        return this.#mark(record, 'checkpoint', record.folder, record.best);
      case 'sample':
        this.samples.push({ ...this.#placeOf(record), samples: record.samples });
        return;
      case 'warning':
        return this.#mark(record, 'warning', record.message);
      case 'end':
        this.end = record;
        return this.#mark(record, 'end', record.reason);
    }
  }

  /** A training that goes on from a step makes void what came after it. */
  #begin(record: StartRecord): void {
    this.start = record;
    this.end = undefined;
    const { step, resumedFrom } = record;
    this.rows.cutAt(step + 1);
    const before = <T extends Place>(places: T[]) => places.filter((place) => place.step <= step);
    [this.evaluations, this.samples] = [before(this.evaluations), before(this.samples)];
    this.marks = before(this.marks).filter(({ kind }) => kind !== 'end');
    if (step === 0) return;
    this.#mark(
      { step, seconds: this.rows.last('seconds') },
      'resumed',
      resumedFrom === null ? '' : `from ${resumedFrom}`,
    );
  }

  #mark(at: { step: number; seconds: number }, kind: Mark['kind'], text: string, best = false): void {
    this.marks.push({ ...this.#placeOf(at), kind, text, best });
    if (this.marks.length > 2 * mostMarks) this.marks = this.marks.slice(-mostMarks);
  }

  #placeOf({ step, seconds }: { step: number; seconds: number }): Place {
    return { step, seconds, tokens: this.rows.last('tokens') };
  }
}
