/** The steps of a run as columns of numbers, which grow: a million steps take some 80 MB. */

type Numbers = Float32Array | Float64Array;

/** What a curve can be drawn over. */
export const axes = ['step', 'seconds', 'tokens'] as const;
export type Axis = (typeof axes)[number];

/** Where a step stands on each axis. */
export type Place = Record<Axis, number>;

/** Half-open: rows from `start` to before `end`. */
export interface RowRange {
  start: number;
  end: number;
}

export class Rows {
  #length = 0;
  #room = 1024;
  readonly #places: Record<Axis, Float64Array>;
  readonly #columns = new Map<string, Float32Array>();

  constructor() {
    const column = () => new Float64Array(this.#room);
    this.#places = { step: column(), seconds: column(), tokens: column() };
  }

  get length(): number {
    return this.#length;
  }

  /** Names of the columns, in the order in which they appeared. */
  get names(): string[] {
    return [...this.#columns.keys()];
  }

  /** Adds a row; columns that it does not name get NaN. Places never go back: steps that are made anew replace the old ones. */
  add(place: Place, values: Iterable<readonly [string, number]>): void {
    this.cutAt(place.step);
    if (this.#length === this.#room) this.#grow();
    const row = this.#length++;
    for (const axis of axes) {
      const column = this.#places[axis];
      column[row] = row === 0 ? place[axis] : Math.max(place[axis], column[row - 1]!);
    }
    for (const column of this.#columns.values()) column[row] = NaN;
    for (const [name, value] of values) this.#column(name)[row] = value;
  }

  /** Drops the rows from a step on. */
  cutAt(step: number): void {
    if (this.#length === 0 || this.#places.step[this.#length - 1]! < step) return;
    this.#length = this.firstFrom('step', step);
  }

  /** The column as far as it goes. */
  values(name: string): Float32Array {
    return this.#column(name).subarray(0, this.#length);
  }

  places(axis: Axis): Float64Array {
    return this.#places[axis].subarray(0, this.#length);
  }

  /** The last row's place; 0 where there is none. */
  last(axis: Axis): number {
    return this.#length === 0 ? 0 : this.#places[axis][this.#length - 1]!;
  }

  /** The first row at or after a place; the number of rows where there is none. */
  firstFrom(axis: Axis, place: number): number {
    const column = this.#places[axis];
    let [low, high] = [0, this.#length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (column[middle]! < place) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The rows between two places, and one beyond each, so that curves reach the edges. */
  between(axis: Axis, from: number, to: number): RowRange {
    const start = Math.max(0, this.firstFrom(axis, from) - 1);
    const end = this.firstFrom(axis, to);
    return { start, end: Math.min(this.#length, end + 1) };
  }

  #column(name: string): Float32Array {
    let column = this.#columns.get(name);
    if (column === undefined) this.#columns.set(name, (column = new Float32Array(this.#room).fill(NaN)));
    return column;
  }

  #grow(): void {
    this.#room *= 2;
    const larger = <T extends Numbers>(column: T, empty: T): T => {
      empty.set(column);
      return empty;
    };
    for (const axis of axes) this.#places[axis] = larger(this.#places[axis], new Float64Array(this.#room));
    for (const [name, column] of this.#columns) this.#columns.set(name, larger(column, new Float32Array(this.#room)));
  }
}
