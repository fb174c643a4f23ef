/** Writes a run into bench/RESULTS.md, in place of a former one of the same title, with what one must know to judge it. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const file = path.join(import.meta.dirname, 'RESULTS.md');

const milliseconds = (seconds) => (seconds * 1000).toFixed(1);
/** What `alternate` measured, as cells: PyTorch's time, ours, the ratio. */
export const cells = ({ ours, theirs, ratio }) => [milliseconds(theirs), milliseconds(ours), ratio.toFixed(2)];

/**
 * @param title - what was measured, with shape, precision and threads
 * @param description - the shape in words
 * @param measure - what the cells hold, unless milliseconds
 * @param header, rows - the table, lists of cells
 * @param notes - paragraphs below the table
 */
export function record({ title, description, rounds, versions, native, measure, header, rows, notes = [] }) {
  recordSection(title, [
    `${description}. ` +
      `${os.cpus()[0]?.model ?? 'unknown CPU'}, ${os.availableParallelism()} cores, load average ${os.loadavg()[0].toFixed(1)} at the end; ` +
      `libtorch ${native.versions().loaded}, PyTorch ${versions.torch}, Python ${versions.python}, Node ${process.version}. ` +
      `${rounds} alternating rounds: median ${measure ?? 'milliseconds of wall time'}, median ratio of a round.`,
    '',
    ...table(header, rows),
    ...notes.flatMap((note) => ['', note]),
  ]);
}

/** Lines of a table in Markdown. */
export function table(header, rows) {
  const line = (row) => `| ${row.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)];
}

/** Writes a section of lines, with its date, in place of a former one of the same title. */
export function recordSection(title, lines) {
  const section = [`## ${title} (${new Date().toISOString().slice(0, 10)})`, '', ...lines, ''];
  const heading = '# Measured speed\n\nRatios below 1 mean that ours takes less time. `npm run bench` measures anew.\n';
  const before = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : heading;
  const sections = before.split(/^(?=## )/m);
  const place = sections.findIndex((one) => one.startsWith(`## ${title} (`));
  const text = `${section.join('\n')}\n`;
  if (place < 0) sections.push(`${sections.pop().trimEnd()}\n\n`, text);
  else sections[place] = text;
  fs.writeFileSync(file, `${sections.join('').trimEnd()}\n`);
}
