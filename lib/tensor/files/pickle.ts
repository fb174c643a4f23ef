/**
 * A reader of the pickles in PyTorch's files that can make data only: containers, texts, numbers, and descriptions of tensors.
 * Nothing is ever executed: a pickle names Python functions, and each but the few that tensors need is refused by name.
 * Source: the opcodes of Python's `pickletools`, protocols 2 to 5.
 */
import { CheckpointError } from '../../errors';
import {
  Fault,
  findGlobal,
  Global,
  isCount,
  Namespace,
  PytorchStorage,
  storageDtypes,
  untypedStorage,
  type PytorchValue,
} from './pytorch-value';

const mark = Symbol('mark');
type Cell = PytorchValue | Global | typeof mark;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** One run of the machine over one pickle: a cursor, a stack, a memo. */
class Unpickler {
  #at = 0;
  #copied = 0;
  readonly #stack: Cell[] = [];
  // A Map and no array: an index far out must cost nothing.
  readonly #memo = new Map<number, Cell>();
  readonly #storages = new Map<string, PytorchStorage>();
  readonly #view: DataView;

  constructor(readonly bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get position(): number {
    return this.#at;
  }

  run(): PytorchValue {
    for (;;) {
      const code = this.#byte();
      if (code === 0x2e) return this.#popValue(); // STOP
      const step = Unpickler.#steps[code];
      if (step === undefined) throw new Fault(`opcode 0x${code.toString(16)}, which no state dict needs`);
      step(this);
    }
  }

  static readonly #steps: Record<number, (machine: Unpickler) => void> = {
    0x80: (m) => m.#protocol(),
    0x95: (m) => void m.#take(8), // FRAME: a hint for readers of streams
    0x28: (m) => m.#push(mark),
    0x30: (m) => void m.#pop(),
    // constants
    0x4e: (m) => m.#push(null),
    0x88: (m) => m.#push(true),
    0x89: (m) => m.#push(false),
    0x4b: (m) => m.#push(m.#byte()),
    0x4d: (m) => m.#push(m.#view.getUint16(m.#take(2), true)),
    0x4a: (m) => m.#push(m.#view.getInt32(m.#take(4), true)),
    0x47: (m) => m.#push(m.#view.getFloat64(m.#take(8), false)),
    0x8a: (m) => m.#push(m.#long(m.#byte())),
    // texts and bytes
    0x58: (m) => m.#push(m.#text(m.#length(4))),
    0x8c: (m) => m.#push(m.#text(m.#length(1))),
    0x8d: (m) => m.#push(m.#text(m.#length(8))),
    0x54: (m) => m.#push(m.#text(m.#length(4))),
    0x55: (m) => m.#push(m.#text(m.#length(1))),
    0x42: (m) => m.#push(m.#slice(m.#length(4))),
    0x43: (m) => m.#push(m.#slice(m.#length(1))),
    // containers
    0x7d: (m) => m.#push(new Map()),
    0x5d: (m) => m.#push([]),
    0x29: (m) => m.#push([]),
    0x8f: (m) => m.#push(new Set()),
    0x85: (m) => m.#push(m.#popValues(1)),
    0x86: (m) => m.#push(m.#popValues(2)),
    0x87: (m) => m.#push(m.#popValues(3)),
    0x74: (m) => m.#push(m.#popToMark()),
    0x6c: (m) => m.#push(m.#popToMark()),
    0x64: (m) => m.#push(m.#fill(new Map(), m.#popToMark())),
    0x61: (m) => m.#append([m.#popValue()]),
    0x65: (m) => m.#append(m.#popToMark()),
    0x73: (m) => m.#setItems(m.#popValues(2)),
    0x75: (m) => m.#setItems(m.#popToMark()),
    0x90: (m) => m.#addItems(m.#popToMark()),
    // memo
    0x71: (m) => m.#remember(m.#byte()),
    0x72: (m) => m.#remember(m.#view.getUint32(m.#take(4), true)),
    0x94: (m) => m.#remember(m.#memo.size),
    0x68: (m) => m.#recall(m.#byte()),
    0x6a: (m) => m.#recall(m.#view.getUint32(m.#take(4), true)),
    // names and what is made of them
    0x63: (m) => m.#push(findGlobal(m.#line(), m.#line())),
    0x93: (m) => m.#stackGlobal(),
    0x52: (m) => m.#call(),
    0x81: (m) => m.#call(),
    0x62: (m) => m.#build(),
    0x51: (m) => m.#persistentId(),
  };

  #protocol(): void {
    const version = this.#byte();
    if (version < 2 || version > 5) throw new Fault(`pickle protocol ${version}`);
  }

  /** Advances over `count` bytes and says where they begin. */
  #take(count: number): number {
    const begin = this.#at;
    if (count > this.bytes.length - begin) throw new Fault('its end, in the middle of a value');
    this.#at += count;
    return begin;
  }

  #byte(): number {
    return this.bytes[this.#take(1)]!;
  }

  #length(width: 1 | 4 | 8): number {
    const begin = this.#take(width);
    if (width === 1) return this.bytes[begin]!;
    return width === 4 ? this.#view.getUint32(begin, true) : Number(this.#view.getBigUint64(begin, true));
  }

  #slice(length: number): Uint8Array {
    const begin = this.#take(length);
    return this.bytes.slice(begin, begin + length);
  }

  #text(length: number): string {
    const begin = this.#take(length);
    try {
      return utf8.decode(this.bytes.subarray(begin, begin + length));
    } catch {
      throw new Fault('a text that is not UTF-8');
    }
  }

  #line(): string {
    const end = this.bytes.indexOf(0x0a, this.#at);
    if (end < 0) throw new Fault('its end, in the middle of a name');
    const text = this.#text(end - this.#at);
    this.#take(1);
    return text;
  }

  /** A little-endian two's complement integer of at most 255 bytes. */
  #long(length: number): number | bigint {
    const bytes = this.#slice(length);
    let value = 0n;
    for (const byte of bytes.toReversed()) value = (value << 8n) | BigInt(byte);
    value = BigInt.asIntN(8 * length, value);
    return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
  }

  #push(cell: Cell): void {
    this.#stack.push(cell);
  }

  #pop(): Cell {
    const cell = this.#stack.pop();
    if (cell === undefined) throw new Fault('a value taken where there is none');
    return cell;
  }

  #popValue(): PytorchValue {
    return valueOf(this.#pop());
  }

  #popValues(count: number): PytorchValue[] {
    if (count > this.#stack.length) throw new Fault('a value taken where there is none');
    return this.#stack.splice(this.#stack.length - count).map(valueOf);
  }

  #popToMark(): PytorchValue[] {
    const begin = this.#stack.lastIndexOf(mark);
    if (begin < 0) throw new Fault('a list without a beginning');
    return this.#stack.splice(begin).slice(1).map(valueOf);
  }

  #top(): Cell {
    const cell = this.#stack.at(-1);
    if (cell === undefined) throw new Fault('a value taken where there is none');
    return cell;
  }

  #append(values: PytorchValue[]): void {
    const list = this.#top();
    if (!Array.isArray(list)) throw new Fault('an element added to what is no list');
    for (const value of values) list.push(value);
  }

  #setItems(values: PytorchValue[]): void {
    const map = this.#top();
    if (!(map instanceof Map)) throw new Fault('an entry set in what is no dictionary');
    this.#fill(map, values);
  }

  #fill(map: Map<PytorchValue, PytorchValue>, values: PytorchValue[]): Map<PytorchValue, PytorchValue> {
    if (values.length % 2 !== 0) throw new Fault('a key without a value');
    for (let i = 0; i < values.length; i += 2) map.set(values[i]!, values[i + 1]!);
    return map;
  }

  #addItems(values: PytorchValue[]): void {
    const set = this.#top();
    if (!(set instanceof Set)) throw new Fault('an element added to what is no set');
    for (const value of values) set.add(value);
  }

  #remember(index: number): void {
    this.#memo.set(index, this.#top());
  }

  #recall(index: number): void {
    const cell = this.#memo.get(index);
    if (cell === undefined) throw new Fault(`memo entry ${index}, which was never stored`);
    this.#push(cell);
  }

  #stackGlobal(): void {
    const [module, name] = this.#popValues(2);
    if (typeof module !== 'string' || typeof name !== 'string') throw new Fault('a name that is no text');
    this.#push(findGlobal(module, name));
  }

  #call(): void {
    const args = this.#popValue();
    const callee = this.#pop();
    if (!(callee instanceof Global) || !Array.isArray(args)) throw new Fault('a call of what cannot be called');
    this.#push(callee.call(args));
  }

  #build(): void {
    const state = this.#popValue();
    const object = this.#top();
    if (!(object instanceof Map) || !(state instanceof Map)) throw new Fault('a state set on what has none');
    if (!(object instanceof Namespace)) return;
    // The memo can bring the same state again and again: what is copied must not outgrow the file.
    this.#copied += state.size;
    if (this.#copied > this.bytes.length) throw new Fault('more entries than it has bytes');
    for (const [key, value] of state) object.set(key, value);
  }

  /** `('storage', type, key, device, elements)`. */
  #persistentId(): void {
    const id = this.#popValue();
    const [kind, type, key, , numel] = Array.isArray(id) ? id : [];
    const dtype = typeof type === 'string' && Object.hasOwn(storageDtypes, type) ? storageDtypes[type] : undefined;
    const untyped = type === untypedStorage;
    if (kind !== 'storage' || (dtype === undefined && !untyped) || typeof key !== 'string' || !isCount(numel)) {
      throw new Fault('a storage without a proper description');
    }
    const known = this.#storages.get(key) ?? new PytorchStorage(key, dtype, numel);
    if (known.dtype !== dtype || known.numel !== numel) throw new Fault(`two descriptions of storage ${key}`);
    this.#storages.set(key, known);
    this.#push(known);
  }
}

function valueOf(cell: Cell): PytorchValue {
  if (cell === mark || cell instanceof Global) throw new Fault('a function where data are expected');
  return cell;
}

/**
 * Reads a pickle.
 * @param where names it in errors
 * @throws CheckpointError when it is damaged, or asks for anything but tensors and plain data
 */
export function readPickle(bytes: Uint8Array, where: string): PytorchValue {
  const machine = new Unpickler(bytes);
  try {
    return machine.run();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    throw new CheckpointError(`${where} cannot be read: at byte ${machine.position} there is ${error.message}.`);
  }
}
