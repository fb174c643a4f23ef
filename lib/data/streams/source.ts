/** What every piece of a stream is: something that can be opened anew, or where a state says. */
import { z } from 'zod';

import { CheckpointError } from '../../errors';
import type { JsonObject, JsonValue } from '../../json';

/** Something of a stream's files that could not be read and was passed over. */
export interface Damage {
  file: string;
  /** What was wrong and where, and what was left out. */
  message: string;
  /** How much was passed over in this pass of these files, this included. */
  count: number;
}

/** What all pieces of a stream are opened with. */
export interface Opening {
  /** Passes over the data before this one: what is drawn by chance is drawn anew in each. */
  epoch: number;
  signal: AbortSignal | undefined;
  onDamage: (damage: Damage) => void;
}

/** Gives samples one by one; `next` is called again only when the call before has ended. */
export interface Reader<T> {
  next(): Promise<IteratorResult<T, undefined>>;
  /** Where the next sample comes from: a source opened there gives the same samples from there on. */
  state(): JsonValue;
  close(): Promise<void>;
}

export interface Source<T> {
  /** What decides the samples beside the data themselves; a state fits only a stream of the same description. */
  readonly description: JsonObject;
  /** @param state of a former reader, null for the beginning @throws CheckpointError for what is not a state of this source */
  open(state: JsonValue, opening: Opening): Reader<T>;
  /** A part of the files, where there are enough for every rank to have as many. */
  partOf?(rank: number, worldSize: number): Source<T> | undefined;
}

export const ended: IteratorResult<never, undefined> = { done: true, value: undefined };

/** The parts of a reader's state. */
export const place = { state: z.custom<JsonValue>((state) => state !== undefined), count: z.int().nonnegative() };

/** @throws CheckpointError where a state is not of the form */
export function parseState<Form extends z.ZodType>(form: Form, state: JsonValue, what: string): z.output<Form> {
  const { data, success } = form.safeParse(state);
  if (success) return data;
  throw new CheckpointError(`This is not a state of ${what}: ${JSON.stringify(state).slice(0, 200)}.`);
}
