/** Hands out a training's events in order. Training goes on as they are drawn: by its reader, or by who waits for what only it can do. */

export class EventReader<Event> implements AsyncIterator<Event, void, undefined> {
  readonly #source: AsyncGenerator<Event, void, undefined>;
  /** Drawn, and not yet read. */
  readonly #drawn: Event[] = [];
  #failure: { error: unknown } | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(source: AsyncGenerator<Event, void, undefined>) {
    this.#source = source;
  }

  next(): Promise<IteratorResult<Event, void>> {
    return this.#inTurn(async () => {
      if (this.#drawn.length > 0) return { value: this.#drawn.shift()!, done: false };
      const failure = this.#failure;
      this.#failure = undefined;
      if (failure) throw failure.error;
      return this.#source.next();
    });
  }

  return(): Promise<IteratorResult<Event, void>> {
    return this.#inTurn(async () => {
      this.#drawn.length = 0;
      return this.#source.return();
    });
  }

  /**
   * Draws an event for the reader, if it is still wanted when its turn has come.
   * @returns false where it is not, or there are no more
   * @throws what ends the training; its reader is told too
   */
  draw(isWanted: () => boolean): Promise<boolean> {
    return this.#inTurn(async () => {
      if (!isWanted()) return false;
      try {
        const { value, done } = await this.#source.next();
        if (done) return false;
        this.#drawn.push(value);
        return true;
      } catch (error) {
        this.#failure = { error };
        throw error;
      }
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}
