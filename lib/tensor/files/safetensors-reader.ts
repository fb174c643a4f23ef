/** Safetensors files opened to take single tensors, or parts of them, out of them. */
import { checkArgument } from '../../arguments';
import { ArgumentError, CheckpointError, ShapeError } from '../../errors';
import { native } from '../../native';
import { applyModes } from '../context';
import { checkDevice, type Device } from '../device';
import { Slice } from '../indexing/slice';
import { withSignal } from '../job';
import { retryingForMemory } from '../memory';
import { NativeObject } from '../object';
import { scope } from '../scope';
import { wrap, type Tensor } from '../tensor';
import { inspectSafetensors, type SafetensorsEntry } from './safetensors-header';

export interface OpenSafetensorsOptions {
  /**
   * Gives CPU tensors on the file's own pages, without a copy: they are read from disk as they are used, and shared with other processes.
   * What is written into them stays in memory. Should the file become shorter meanwhile, whatever uses such a tensor then throws a
   * CheckpointError. Default false: what is asked for is copied.
   */
  mmap?: boolean;
}

export interface ReadTensorOptions {
  /** Default `cpu`. */
  device?: Device;
  signal?: AbortSignal | undefined;
}

/**
 * A file that stays open. Only what is asked for is read, off the JavaScript thread. It goes on reading the same file when another one
 * takes its name meanwhile. `close()`, or `using`, ends it; so does forgetting it.
 */
export class SafetensorsReader {
  readonly #file: NativeObject;

  private constructor(
    readonly path: string,
    /** By name, in the order of the header. */
    readonly tensors: ReadonlyMap<string, SafetensorsEntry>,
    readonly metadata: Readonly<Record<string, string>>,
    file: NativeObject,
    readonly mapped: boolean,
  ) {
    this.#file = file;
  }

  /** @throws CheckpointError when the file is missing, damaged or truncated */
  static open(path: string, { mmap = false }: OpenSafetensorsOptions = {}): SafetensorsReader {
    checkArgument(mmap, 'boolean', 'The option mmap');
    // Before it is opened, since opening a pipe waits for a writer.
    const { tensors, metadata } = inspectSafetensors(path);
    const file = new NativeObject(mmap ? native.fileMap(path) : native.fileOpen(path), 'safetensors file');
    try {
      return new SafetensorsReader(path, tensors, metadata, file, mmap);
    } catch (error) {
      file.dispose();
      throw error;
    }
  }

  names(): string[] {
    return [...this.tensors.keys()];
  }

  /** @throws CheckpointError when there is no such tensor, or the file was damaged since; DisposedError after `close()` */
  async tensor(name: string, options: ReadTensorOptions = {}): Promise<Tensor> {
    return this.#read(this.#entry(name), undefined, options);
  }

  /**
   * A part of a tensor: for each dimension a range, `slice(from, to, step)`, or one position, which takes the dimension away; dimensions
   * that are not given are taken whole. Only the bytes of the part are read, and some of those between them.
   * @throws ShapeError for more ranges than dimensions and a position that is not there; and as `tensor()`
   */
  async slice(name: string, ranges: readonly (Slice | number)[], options: ReadTensorOptions = {}): Promise<Tensor> {
    const entry = this.#entry(name);
    const { shape } = entry;
    if (!Array.isArray(ranges) || ranges.length > shape.length) {
      throw new ShapeError(`${name} has ${shape.length} dimensions; as many ranges at most can be given, in an array.`);
    }
    const bounds = shape.map((size, dim) => boundsOf(ranges[dim], size, dim, name));
    return scope(async () => {
      const part = await this.#read(
        entry,
        bounds.map(({ from, to }) => [from, to]),
        options,
      );
      return bounds.reduceRight((cut, { step, single }, dim) => {
        if (single) return cut.select(dim, 0);
        if (step === 1) return cut;
        const stepped = cut.slice(dim, 0, null, step);
        // What lies between the steps was read with them, and need not stay.
        return this.mapped ? stepped : stepped.clone();
      }, part);
    });
  }

  close(): void {
    this.#file.dispose();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #entry(name: string): SafetensorsEntry {
    const entry = this.tensors.get(name);
    if (entry === undefined) throw new CheckpointError(`${this.path} holds no tensor ${name}.`);
    return entry;
  }

  async #read(
    { dtype, shape, offset }: SafetensorsEntry,
    window: [from: number, to: number][] | undefined,
    { device = 'cpu', signal }: ReadTensorOptions,
  ): Promise<Tensor> {
    const target = checkDevice(device);
    if (!this.mapped) {
      const place = { dtype, shape, offset, window };
      const [handle] = await retryingForMemory(() =>
        withSignal(signal, (token) => native.tensorsLoad(token, this.#file.id, [place], target)),
      );
      return wrap(handle!);
    }
    applyModes();
    return scope(() => {
      const whole = wrap(native.tensorsMap(this.#file.id, { dtype, shape, offset })[0]);
      const part = (window ?? []).reduce((cut, [from, to], dim) => cut.narrow(dim, from, to - from), whole);
      return target === 'cpu' ? part : part.to(target);
    });
  }
}

interface Bounds {
  from: number;
  to: number;
  step: number;
  /** One position: the dimension goes. */
  single: boolean;
}

function boundsOf(range: unknown, size: number, dim: number, name: string): Bounds {
  if (range === undefined) return { from: 0, to: size, step: 1, single: false };
  if (range instanceof Slice) {
    const within = (bound: number) => Math.min(Math.max(bound < 0 ? bound + size : bound, 0), size);
    const from = within(range.start);
    return { from, to: Math.max(from, within(range.stop)), step: range.step, single: false };
  }
  if (typeof range !== 'number' || !Number.isInteger(range)) {
    throw new ArgumentError(`${name}: dimension ${dim} takes slice(from, to, step) or a whole number.`);
  }
  const at = range < 0 ? range + size : range;
  if (at < 0 || at >= size)
    throw new ShapeError(`${name}: position ${range} is not in dimension ${dim} of size ${size}.`);
  return { from: at, to: at + 1, step: 1, single: true };
}

/**
 * Opens a safetensors file without reading its tensors: `using file = openSafetensors('model.safetensors')`, then
 * `await file.tensor('embedding')` or `await file.slice('embedding', [slice(0, 100)])`.
 * @throws CheckpointError when the file is missing, damaged or truncated
 */
export function openSafetensors(file: string, options: OpenSafetensorsOptions = {}): SafetensorsReader {
  return SafetensorsReader.open(file, options);
}
