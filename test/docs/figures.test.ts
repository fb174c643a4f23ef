/** The costs that the guide of the residual study tells are those that are counted. */
import { modelCost } from '../../lib/residual';
import { readStudy, type StudyConfig } from '../../lib/study';
import { textOf } from './pages';

/** As `torchwright profile note` counts. */
function costOf(residual: string) {
  const { model, data, train } = readStudy('note', [`model.residual=${residual}`]) as StudyConfig;
  const config = { ...model, vocabSize: 32_000 };
  return modelCost(config, { time: data.blockSize!, batch: train.batchSize, precision: train.precision });
}

test.each([
  ['baseline', ['baseline']],
  ['all `stored`', ['1 stored', '2 stored', '3.1 stored', '3.2 stored', '4.1 stored', '4.2 stored']],
  ['2, 4.1, 4.2', ['2', '4.1', '4.2']],
  ['1, 3.1, 3.2', ['1', '3.1', '3.2']],
])('the row of %s', (title, names) => {
  const base = costOf('baseline');
  const table = textOf('docs/residual-study.md').split('## What it costs')[1]!.split('\n## ')[0]!;
  const row = table.split('\n').find((line) => line.startsWith(`| ${title} `));
  const cells = row!.split('|').map((cell) => cell.trim());
  for (const name of names) {
    const { flopsPerToken, flopsPerStep, cachePerToken } = costOf(name);
    const factor = flopsPerToken.causal.total / base.flopsPerToken.causal.total;
    const cache = cachePerToken.bytes / base.cachePerToken.bytes;
    expect(cells.slice(2, -1)).toEqual([
      `${factor.toFixed(2)}x`,
      `${(flopsPerStep / 1e12).toPrecision(3)} T`,
      `${(cachePerToken.bytes / 1e3).toFixed(1)} kB${cache > 1 ? `, ${cache.toFixed(2)}x` : ''}`,
    ]);
  }
});
