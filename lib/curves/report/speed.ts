/** How fast trainings were, where their time went, and what memory they took. */
import type { ReportTable } from '../../report';
import type { Run } from '../run';
import { meanOf } from '../thin';
import type { Trained } from './charts';

const unknown = '-';
const milliseconds = (seconds: number) =>
  seconds < 1 ? `${Number((seconds * 1000).toPrecision(3))} ms` : `${seconds.toFixed(2)} s`;
const share = (value: number) => `${(100 * value).toFixed(value < 0.1 ? 1 : 0)} %`;
export const megabytes = (bytes: number) => `${Math.round(bytes / 1e6).toLocaleString('en-US')} MB`;

/** The mean of a column over all steps of all runs; null where none has it. */
function mean(runs: readonly Run[], name: string): number | null {
  const means = runs.flatMap(({ rows }) => meanOf(rows.values(name)) ?? []);
  return means.length === 0 ? null : means.reduce((sum, value) => sum + value, 0) / means.length;
}

const most = (runs: readonly Run[], name: 'peakMemory' | 'peakDeviceMemory') => {
  const values = runs.flatMap(({ lastStep }) => lastStep?.[name] ?? []);
  return values.length === 0 ? null : Math.max(...values);
};

/** Means over all steps; without a column for what nobody measured. */
export function speedTable(all: readonly Trained[]): ReportTable {
  const told = <T>(value: T | null, show: (value: T) => string) => (value === null ? unknown : show(value));
  const part = (name: string) => (runs: readonly Run[]) => {
    const [own, step] = [mean(runs, `split.${name}`), mean(runs, 'stepSeconds')];
    return own === null || !step ? unknown : share(own / step);
  };
  const columns: [title: string, cell: (runs: readonly Run[]) => string][] = [
    ['Tokens/s', (runs) => told(mean(runs, 'tokensPerSecond'), (value) => Math.round(value).toLocaleString('en-US'))],
    ['Step time', (runs) => told(mean(runs, 'stepSeconds'), milliseconds)],
    ['Data', part('data')],
    ['Forward', part('forward')],
    ['Backward', part('backward')],
    ['Optimizer', part('optimizer')],
    ['MFU', (runs) => told(mean(runs, 'mfu'), share)],
    ['Peak memory', (runs) => told(most(runs, 'peakMemory'), megabytes)],
    ['On the device', (runs) => told(most(runs, 'peakDeviceMemory'), megabytes)],
  ];
  const trained = all.filter(({ runs }) => runs.some(({ rows }) => rows.length > 0));
  const filled = columns.filter(([, cell]) => trained.some(({ runs }) => cell(runs) !== unknown));
  return {
    columns: ['', ...filled.map(([title]) => title)].map((title) => ({ title, key: null })),
    rows: trained.map(({ contender, runs }) => ({
      contender,
      cells: [contender.title, ...filled.map(([, cell]) => cell(runs))],
      failed: false,
    })),
  };
}
