/** One file of golden tensors and what its index says of it. */
import path from 'node:path';

import { z } from 'zod';

import { parseConfig } from '../../config';
import { CheckpointError } from '../../errors';
import type { Module } from '../../nn';
import { difference, tensorOf, type Measurement, type ParityPlace } from '../../parity';
import { loadSafetensors, noGrad, type Tensor } from '../../tensor';

const bound = z.number().nonnegative();
const limitsSchema = z.looseObject({
  out_rtol: bound.optional(),
  out_atol: bound.optional(),
  grad_rtol: bound.optional(),
  grad_atol: bound.optional(),
  loss_rtol: bound.optional(),
  loss_atol: bound.optional(),
  param_rtol: bound.optional(),
  param_atol: bound.optional(),
});

/** What every entry of an index has; each kind adds its own. */
export const entrySchema = z.looseObject({
  kind: z.string(),
  config: z.looseObject({}).default({}),
  tolerance: z.union([
    z.literal('exact'),
    z.looseObject({ float32: limitsSchema.optional(), float64: limitsSchema.optional() }),
  ]),
});
type Entry = z.output<typeof entrySchema>;

/** Which of the tolerances counts. */
type Quality = 'out' | 'grad' | 'loss' | 'param';

/** Values that must be compared; the others are weights and inputs. */
const compared = /^(?:out|grad|loss|w10)(?:64)?(?:\.|$)/;

export class Golden {
  readonly #read = new Set<string>();

  private constructor(
    readonly entry: Entry,
    readonly file: string,
    readonly place: ParityPlace,
    readonly tensors: ReadonlyMap<string, Tensor>,
  ) {}

  /** @throws ConfigError for an entry of another form, CheckpointError when the file is missing or damaged */
  static async open(content: unknown, folder: string, name: string, place: ParityPlace): Promise<Golden> {
    if (path.basename(name) !== name) throw new CheckpointError(`${name} must be a file of the same folder.`);
    const entry = parseConfig(content, entrySchema, name);
    const file = path.join(folder, name);
    return new Golden(entry, file, place, await loadSafetensors(file, { device: place.device }));
  }

  /** The entry read by a kind's own schema. */
  fields<T extends z.ZodType>(schema: T): z.output<T> {
    return parseConfig(this.entry, schema, path.basename(this.file));
  }

  has(name: string): boolean {
    return this.tensors.has(name);
  }

  /** A stored tensor as it is. @throws CheckpointError when there is none */
  tensor(name: string): Tensor {
    this.#read.add(name);
    return tensorOf(this.tensors as Map<string, Tensor>, name, this.file);
  }

  /** An input, in the dtype of the run and ready to get a gradient; masks are stored as uint8. */
  input(name: string): Tensor {
    const stored = this.tensor(`in.${name}`);
    if (stored.dtype === 'uint8') return stored.to('bool');
    if (!stored.dtype.includes('float')) return stored;
    const converted = stored.to({ dtype: this.place.dtype, copy: true });
    return this.has(`grad.in.${name}`) || this.has(`grad64.in.${name}`) ? converted.requiresGrad_() : converted;
  }

  /** As `input`, or null when there is none. */
  optionalInput(name: string): Tensor | null {
    return this.has(`in.${name}`) ? this.input(name) : null;
  }

  /** The weights under a prefix, by the original's keys. */
  weights(prefix = 'w'): Map<string, Tensor> {
    const held = new Map<string, Tensor>();
    for (const [name, tensor] of this.tensors) {
      if (name.startsWith(`${prefix}.`)) held.set(name.slice(prefix.length + 1), tensor);
    }
    return held;
  }

  /** Compares an output, or with `quality: 'loss'` a loss, with the value of the run's dtype; with the float32 one where there is no other. */
  async output(name: string, actual: Tensor, quality: Quality = 'out'): Promise<Measurement> {
    return this.compare('out', name, actual, quality);
  }

  /** Compares the gradients of everything that has a golden one. */
  async gradients(module: Module, inputs: Record<string, Tensor | null>): Promise<Measurement[]> {
    const parameters = new Map(module.namedParameters());
    const names = [...this.tensors.keys()].filter((name) => name.startsWith('grad.') || name.startsWith('grad64.'));
    const measured: Measurement[] = [];
    for (const name of new Set(names.map((each) => each.replace(/^grad(64)?\./, '')))) {
      const [kind, ...rest] = name.split('.');
      const key = rest.join('.');
      const source = kind === 'in' ? inputs[key] : parameters.get(key);
      if (!source) throw new CheckpointError(`${this.file}: nothing computes the gradient of ${key}.`);
      const { grad } = source;
      if (grad === null) throw new CheckpointError(`${key} got no gradient.`);
      measured.push(await this.compare('grad', name, grad, 'grad'));
    }
    return measured;
  }

  /**
   * @param group prefix of the golden value, `out64` and the like where there is one for the run's dtype
   * @param scale the least magnitude that the tolerance is relative to
   */
  async compare(
    group: 'out' | 'grad' | 'loss' | 'w10',
    name: string,
    actual: Tensor,
    quality: Quality,
    scale = 0,
  ): Promise<Measurement> {
    const { dtype } = this.place;
    const at = (prefix: string) => (name === '' ? prefix : `${prefix}.${name}`);
    const exact = dtype === 'float64' && this.has(at(`${group}64`));
    this.#read.add(at(group));
    const golden = this.tensor(exact ? at(`${group}64`) : at(group));
    const shaped = golden.numel === 1 && actual.numel === 1 ? actual.reshape(golden.shape) : actual;
    const { absolute, magnitude } = await difference(shaped, golden);
    return {
      what: `${dtype} ${at(group)}`,
      error: absolute,
      tolerance: this.#tolerance(quality, exact, Math.max(scale, magnitude)),
    };
  }

  /** Relative to the largest value: single elements may be tiny. */
  #tolerance(quality: Quality, exact: boolean, magnitude: number): number {
    const { tolerance } = this.entry;
    if (tolerance === 'exact') return 0;
    const limits = (exact ? tolerance.float64 : undefined) ?? tolerance.float32;
    const of = (which: Quality) => ({ rtol: limits?.[`${which}_rtol`], atol: limits?.[`${which}_atol`] });
    const { rtol, atol } = quality === 'loss' && of('loss').rtol === undefined ? of('out') : of(quality);
    if (rtol === undefined && atol === undefined) {
      throw new CheckpointError(`${path.basename(this.file)}: its tolerance says nothing of ${quality}.`);
    }
    return (atol ?? 0) + (rtol ?? 0) * magnitude;
  }

  /** A measurement of what is no tensor of the file, such as a score of the index, with the tolerance of outputs. */
  measure(what: string, actual: number, golden: number): Measurement {
    const tolerance = this.#tolerance('out', false, Math.abs(golden));
    return { what: `${this.place.dtype} ${what}`, error: Math.abs(actual - golden), tolerance };
  }

  /** The same of two tensors. */
  async measureTensors(what: string, actual: Tensor, golden: Tensor): Promise<Measurement> {
    const { absolute, magnitude } = await difference(actual, golden);
    return {
      what: `${this.place.dtype} ${what}`,
      error: absolute,
      tolerance: this.#tolerance('out', false, magnitude),
    };
  }

  /** @throws CheckpointError when the file holds golden values that were not compared: nothing must pass unseen */
  checkAllCompared(): void {
    const unread = [...this.tensors.keys()].filter(
      (name) =>
        compared.test(name) && !this.#read.has(name) && !(name.includes('64') && this.place.dtype === 'float32'),
    );
    if (unread.length > 0) throw new CheckpointError(`${this.file}: nothing computes ${unread.join(', ')}.`);
  }

  /** Puts a layer's weights in. @throws CheckpointError when they do not fit */
  fill(module: Module, prefix = 'w'): void {
    const weights = this.weights(prefix);
    for (const name of weights.keys()) if (/(?:^|\.)(?:version|_float_tensor)$/.test(name)) weights.delete(name);
    noGrad(() => module.loadStateDict(weights));
    module.eval();
  }
}
