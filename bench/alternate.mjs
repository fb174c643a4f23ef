/** Two sides that do the same work in turns, so that what else the machine does weighs on both. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds in which the other side's waiting threads fall asleep; a side of one thread has none that wait. */
const fallAsleep = 20;

export const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/**
 * Rounds to warm up, then `rounds` that count. Who begins changes each round.
 *
 * @param ours, theirs - do the work once and give `{ seconds, loss }`; `loss` is any number both must agree on
 * @param largest - how far the two numbers may lie apart
 * @param warmUps - rounds that do not count
 * @param pause - milliseconds between the two sides
 */
export async function alternate(ours, theirs, rounds, largest, warmUps = 2, pause = fallAsleep) {
  const run = { ours, theirs };
  const seconds = { ours: [], theirs: [] };
  let difference = 0;
  for (let round = -warmUps; round < rounds; round++) {
    const losses = {};
    for (const side of round % 2 === 0 ? ['ours', 'theirs'] : ['theirs', 'ours']) {
      await sleep(pause);
      const result = await run[side]();
      losses[side] = result.loss;
      if (round >= 0) seconds[side].push(result.seconds);
    }
    difference = Math.max(difference, Math.abs(losses.ours - losses.theirs));
    if (!(difference <= largest)) {
      throw new Error(
        `the two sides do not do the same work: losses ${losses.ours} (ours) and ${losses.theirs} (PyTorch)`,
      );
    }
  }
  const ratio = median(seconds.ours.map((ours, round) => ours / seconds.theirs[round]));
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  const sums = { ours: sum(seconds.ours), theirs: sum(seconds.theirs) };
  return { ours: median(seconds.ours), theirs: median(seconds.theirs), ratio, difference, sums };
}
