/**
 * Scopes against a model that says, after every step, which tensors must be alive. Random programs interleave synchronous and
 * asynchronous scopes with timers, events, messages between threads, `keep`, `dispose`, `using` and errors.
 */
import { EventEmitter, once } from 'node:events';
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

import fc from 'fast-check';

import { torch, type Tensor } from '../../lib/tensor';
import { collectGarbage } from './garbage';

/** What a scope is by its description: who made it, and whether it still takes tensors. */
interface ModelScope {
  open: boolean;
  outer: ModelScope | undefined;
}

interface ModelTensor {
  tensor: Tensor;
  /** undefined: nobody's, alive until it is disposed. */
  owner: ModelScope | undefined;
  alive: boolean;
}

type Step =
  | { kind: 'make' | 'listen' | 'emit' | 'timer' }
  | { kind: 'keep' | 'dispose'; pick: number }
  | { kind: 'using'; body: Step[] }
  | { kind: 'scope'; asynchronous: boolean; body: Step[]; returned: number; fails: boolean }
  | { kind: 'wait'; how: 'microtask' | 'immediate' | 'timeout' | 'event' | 'worker' }
  | { kind: 'detach'; body: Step[] };

const planned = new Error('planned');

const nearestOpen = (scope: ModelScope | undefined): ModelScope | undefined =>
  scope === undefined || scope.open ? scope : nearestOpen(scope.outer);

/** One program: its tensors, and the ways in which its parts wake each other. */
class Run {
  readonly tensors: ModelTensor[] = [];
  readonly events = new EventEmitter({ captureRejections: false }).setMaxListeners(0);
  readonly #before = torch.memory().tensors;
  readonly #pending: Promise<unknown>[] = [];

  constructor(readonly echo: (message: number) => Promise<void>) {}

  /** The model agrees with what is. */
  check(): void {
    for (const { tensor, alive } of this.tensors) expect(tensor.isDisposed).toBe(!alive);
    expect(torch.memory().tensors - this.#before).toBe(this.tensors.filter(({ alive }) => alive).length);
  }

  make(scope: ModelScope | undefined): ModelTensor {
    const made = { tensor: torch.zeros([1]), owner: nearestOpen(scope), alive: true };
    this.tensors.push(made);
    return made;
  }

  /** Runs steps; what it yields is to be waited for. */
  *steps(steps: readonly Step[], scope: ModelScope | undefined, own: ModelTensor[]): Generator<Promise<unknown>, void> {
    for (const step of steps) {
      switch (step.kind) {
        case 'make':
          own.push(this.make(scope));
          break;
        case 'keep':
        case 'dispose': {
          const chosen = own[step.pick % Math.max(own.length, 1)];
          if (chosen === undefined) break;
          if (step.kind === 'keep' && chosen.alive) {
            chosen.tensor.keep();
            chosen.owner = undefined;
          } else if (step.kind === 'dispose') {
            chosen.tensor.dispose();
            chosen.alive = false;
          }
          break;
        }
        case 'using': {
          const held = this.make(scope);
          {
            using _tensor = held.tensor;
            yield* this.steps(step.body, scope, own);
          }
          held.alive = false;
          break;
        }
        case 'scope':
          yield* this.scope(step, scope, own);
          break;
        case 'wait':
          yield this.wait(step.how);
          break;
        case 'listen':
          // Runs in whatever scope emits.
          this.events.once('signal', (emitter: ModelScope | undefined) => void this.make(emitter));
          break;
        case 'emit':
          this.events.emit('signal', scope);
          break;
        case 'timer':
          this.later(new Promise<void>((done) => setTimeout(() => done(void this.make(scope)))));
          break;
        case 'detach':
          this.later(this.drive(this.steps(step.body, scope, [])));
      }
      this.check();
    }
  }

  *scope(
    step: Extract<Step, { kind: 'scope' }>,
    outer: ModelScope | undefined,
    outside: ModelTensor[],
  ): Generator<Promise<unknown>, void> {
    const inner: ModelScope = { open: true, outer: nearestOpen(outer) };
    const own: ModelTensor[] = [];
    const returned = () => {
      if (step.fails) throw planned;
      return own.slice(0, step.returned);
    };
    const give = (chosen: ModelTensor[]) => ({ deep: [new Set(chosen.map(({ tensor }) => tensor))] });
    const end = (survivors: readonly ModelTensor[]) => {
      inner.open = false;
      for (const each of this.tensors) {
        if (each.owner !== inner) continue;
        if (survivors.includes(each)) each.owner = nearestOpen(inner.outer);
        else each.alive = false;
      }
    };
    let survivors: ModelTensor[] = [];
    try {
      if (step.asynchronous) {
        yield torch.scope(() => {
          // A promise of jest's outer realm, as the scope wants it: it would take turns to make one of another realm its own.
          const result = Promise.resolve(this.drive(this.steps(step.body, inner, own))).then(() => {
            survivors = returned();
            return give(survivors);
          });
          // Asked first, so that the model's scope ends right before the real one, with nothing in between.
          result.then(
            () => end(survivors),
            () => end([]),
          );
          return result;
        });
      } else {
        try {
          torch.scope(() => {
            for (const _ of this.steps(step.body, inner, own)) throw new Error('a synchronous scope cannot wait');
            survivors = returned();
            return give(survivors);
          });
        } finally {
          end(step.fails ? [] : survivors);
        }
      }
    } catch (error) {
      if (error !== planned) throw error;
    }
    outside.push(...survivors);
  }

  async drive(steps: Generator<Promise<unknown>, void>): Promise<void> {
    for (let next = steps.next(); next.done !== true;) {
      try {
        await next.value;
        next = steps.next();
      } catch (error) {
        next = steps.throw(error);
      }
    }
  }

  async wait(how: Extract<Step, { kind: 'wait' }>['how']): Promise<void> {
    if (how === 'immediate') await turn();
    else if (how === 'timeout') await wait(1);
    else if (how === 'event') {
      const heard = once(this.events, 'wake');
      setImmediate(() => this.events.emit('wake'));
      await heard;
    } else if (how === 'worker') await this.echo(this.tensors.length);
    else await Promise.resolve();
  }

  later(work: Promise<unknown>): void {
    this.#pending.push(work);
  }

  async settled(): Promise<void> {
    // Detached work may detach more.
    for (let index = 0; index < this.#pending.length; index++) await this.#pending[index];
  }
}

const pick = fc.nat(5);
/** The same without waiting; detached work may wait all the same. */
function asSynchronous(step: Step): Step {
  if (step.kind === 'detach' || !('body' in step)) return step;
  const body = step.body.filter(({ kind }) => kind !== 'wait').map(asSynchronous);
  return step.kind === 'scope' ? { ...step, body, asynchronous: false } : { ...step, body };
}
const { body } = fc.letrec<{ body: Step[]; step: Step }>((tie) => ({
  body: fc.array(tie('step'), { maxLength: 6, depthIdentifier: 'body' }),
  step: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'body' },
    { weight: 4, arbitrary: fc.constant<Step>({ kind: 'make' }) },
    { weight: 3, arbitrary: fc.constantFrom('microtask', 'immediate', 'timeout', 'event', 'worker').map((how): Step => ({ kind: 'wait', how })) }, // prettier-ignore
    { weight: 2, arbitrary: fc.constantFrom<Step>({ kind: 'listen' }, { kind: 'emit' }, { kind: 'timer' }) },
    {
      weight: 2,
      arbitrary: fc.tuple(fc.constantFrom('keep', 'dispose'), pick).map(([kind, pick]): Step => ({ kind, pick })),
    },
    { weight: 1, arbitrary: tie('body').map((body): Step => ({ kind: 'using', body })) },
    { weight: 1, arbitrary: tie('body').map((body): Step => ({ kind: 'detach', body })) },
    {
      weight: 4,
      arbitrary: fc
        .record({ asynchronous: fc.boolean(), body: tie('body'), returned: fc.nat(3), fails: fc.boolean() })
        .map((scope): Step =>
          scope.asynchronous ? { kind: 'scope', ...scope } : asSynchronous({ kind: 'scope', ...scope }),
        ),
    },
  ),
}));

let worker: Worker;
const replies: (() => void)[] = [];
beforeAll(() => {
  worker = new Worker("const { parentPort: port } = require('node:worker_threads'); port.on('message', (m) => port.postMessage(m));", { eval: true }); // prettier-ignore
  worker.on('message', () => replies.shift()!());
});
afterAll(() => worker.terminate());
const echo = (message: number) =>
  new Promise<void>((resolve) => {
    replies.push(resolve);
    worker.postMessage(message);
  });

test('in any interleaving exactly those tensors are alive that should be', async () => {
  await collectGarbage();
  let made = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(body, { minLength: 1, maxLength: 4 }), async (actors) => {
      const run = new Run(echo);
      await Promise.all(actors.map((actor) => run.drive(run.steps(actor, undefined, []))));
      await run.settled();
      run.check();
      made += run.tensors.length;
      for (const { tensor } of run.tensors) tensor.dispose();
    }),
    { numRuns: 200 },
  );
  expect(made).toBeGreaterThan(300);
}, 60_000);
