/** Appends a run to bench/RESULTS.md, with what one must know to judge it. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const file = path.join(import.meta.dirname, '..', 'RESULTS.md');

export function record({ name, shape, options, threads, rounds, versions, native, rows }) {
  const milliseconds = (seconds) => (seconds * 1000).toFixed(1);
  const cells = ({ ours, theirs, ratio }) => [milliseconds(theirs), milliseconds(ours), ratio.toFixed(2)];
  const table = rows.map(({ variant, training, evaluation }) => {
    const difference = Math.max(training.difference, evaluation.difference).toExponential(0);
    return `| ${[variant, ...cells(training), ...cells(evaluation), difference].join(' | ')} |`;
  });
  const { layers, hidden, intermediate, heads, kvHeads, vocab, batch, block } = shape;
  const section = [
    `## Residual decoder, shape ${name}, ${options.precision}, ${threads} threads (${new Date().toISOString().slice(0, 10)})`,
    '',
    `${layers} x ${hidden}, ff ${intermediate}, heads ${heads}/${kvHeads}, vocabulary ${vocab}, batch ${batch} x ${block}. ` +
      `${os.cpus()[0]?.model ?? 'unknown CPU'}, ${os.availableParallelism()} cores, load average ${os.loadavg()[0].toFixed(1)} at the end; ` +
      `libtorch ${native.versions().loaded}, PyTorch ${versions.torch}, Python ${versions.python}, Node ${process.version}. ` +
      `${rounds} alternating rounds: median milliseconds of wall time, median ratio of a round.`,
    '',
    '| variant | training: PyTorch | ours | ratio | evaluation: PyTorch | ours | ratio | largest loss difference |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...table,
    '',
  ];
  const title = '# Measured speed\n\nRatios below 1 mean that ours takes less time. `npm run bench` measures anew.\n';
  const before = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : title;
  fs.writeFileSync(file, `${before}\n${section.join('\n')}`);
}
