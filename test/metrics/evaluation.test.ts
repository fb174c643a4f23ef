import { evaluationMetrics, trainingMetrics } from '../../lib/metrics';

const batch = (loss: number, samples: number, correct = 0) => ({ loss, samples, correct, predicted: samples * 10 });

describe('evaluationMetrics', () => {
  test('weights the batches by their samples and keeps full precision but for speed', () => {
    const metrics = evaluationMetrics([batch(2, 8, 40), batch(3, 8, 20), batch(5, 2, 3)], 3.86814159, { epoch: 5 });
    expect(metrics).toEqual({
      epoch: 5,
      eval_accuracy: 63 / 180,
      eval_loss: 50 / 18,
      eval_perplexity: Math.exp(50 / 18),
      eval_runtime: 3.8681,
      eval_samples: 18,
      eval_samples_per_second: 4.653,
      eval_steps_per_second: 0.776,
    });
  });

  test('rates come from the unrounded runtime', () => {
    const metrics = evaluationMetrics([batch(1, 1000)], 0.00006);
    expect(metrics['eval_runtime']).toBe(0.0001);
    expect(metrics['eval_samples_per_second']).toBe(16666666.667);
    expect(metrics).not.toHaveProperty('epoch');
  });

  test('a runtime of nothing gives no rate', () => {
    expect(evaluationMetrics([batch(1, 1)], 0)).not.toHaveProperty('eval_samples_per_second');
  });

  test('perplexity overflows to Infinity and can have its stock name', () => {
    expect(evaluationMetrics([batch(800, 1)], 1, { perplexityKey: 'perplexity' })).toMatchObject({
      perplexity: Infinity,
    });
  });

  test('a loss that is not a number shows', () => {
    expect(evaluationMetrics([batch(NaN, 1), batch(1, 1)], 1)).toMatchObject({ eval_loss: NaN, eval_perplexity: NaN });
  });

  test.each([
    [[], 1],
    [[{ loss: 1, correct: 0, predicted: 0, samples: 1 }], 1],
    [[batch(1, 1)], -1],
    [[batch(1, 1)], NaN],
  ])('refuses %j in %d s', (batches, runtime) => {
    expect(() => evaluationMetrics(batches, runtime)).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT' }) as Error,
    );
  });
});

test('trainingMetrics uses the keys of the Trainer', () => {
  const summary = { epoch: 5, totalFlos: 1e17, loss: 2.9, runtimeSeconds: 8712.59994, trainSamples: 68009 };
  expect(trainingMetrics({ ...summary, samplesSeen: 340045, steps: 21255 })).toEqual({
    epoch: 5,
    total_flos: 1e17,
    train_loss: 2.9,
    train_runtime: 8712.5999,
    train_samples: 68009,
    train_samples_per_second: 39.029,
    train_steps_per_second: 2.44,
  });
});
