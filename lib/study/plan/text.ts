/** A plan for a reader. */
import { textTable, whole, type Column } from '../shared/table';
import { gigabytes } from './memory';
import type { StudyPlan, PlannedTraining } from './plan';

/** `1.23 M`, `45.6 G`: three figures. */
function scaled(value: number): string {
  const units = ['', 'k', 'M', 'G', 'T', 'P', 'E', 'Z'];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, value)) / 3)));
  return `${(value / 1000 ** power).toPrecision(3)} ${units[power]}`.trim();
}

/** `45 s`, `12 min`, `3.4 h`, `2.1 days`. */
function duration(seconds: number): string {
  if (seconds < 100) return `${seconds.toPrecision(2)} s`;
  if (seconds < 100 * 60) return `${Math.round(seconds / 60)} min`;
  return seconds < 48 * 3600 ? `${(seconds / 3600).toFixed(1)} h` : `${(seconds / 86400).toFixed(1)} days`;
}

const orDash = (value: number | null, text: (value: number) => string) => (value === null ? '-' : text(value));

const columns: Column<PlannedTraining>[] = [
  { title: 'Training', cell: ({ title }) => title },
  { title: 'Parameters', cell: ({ parameters }) => whole(parameters) },
  { title: 'Steps', cell: ({ steps }) => orDash(steps, whole) },
  { title: 'Tokens/step', cell: ({ tokensPerStep }) => whole(Math.round(tokensPerStep)) },
  { title: 'Tokens', cell: ({ tokens }) => orDash(tokens, scaled) },
  { title: 'FLOPs/step', cell: ({ flopsPerStep }) => scaled(flopsPerStep) },
  { title: 'FLOPs', cell: ({ flops }) => orDash(flops, scaled) },
  { title: 'Step', cell: ({ secondsPerStep }) => duration(secondsPerStep) },
  { title: 'Time', cell: ({ seconds }) => orDash(seconds, duration) },
];

const parts = ['weights', 'gradients', 'optimizer', 'activations', 'loss', 'heap', 'process', 'total'] as const;

interface Peak {
  name: string;
  bytes: Record<(typeof parts)[number], number>;
}

/** A line for each size of the largest micro-batch, with the trainings that have it where they differ. */
function batchLines(trainings: readonly PlannedTraining[]): string[] {
  const sizes = [...new Set(trainings.map(({ batch }) => batch))];
  const titlesOf = (size: string) => trainings.filter(({ batch }) => batch === size).map(({ title }) => title);
  return sizes.map((size) => `Micro-batch  ${size} at most${sizes.length > 1 ? `: ${titlesOf(size).join(', ')}` : ''}`);
}

/** @param isOnCpu - elsewhere there is neither heap nor process */
function peakColumns(isOnCpu: boolean): Column<Peak>[] {
  const shown = parts.filter((part) => isOnCpu || (part !== 'heap' && part !== 'process'));
  return [
    { title: 'Peak memory', cell: ({ name }) => name },
    ...shown.map((part) => ({
      title: `${part[0]!.toUpperCase()}${part.slice(1)}`,
      cell: ({ bytes }: Peak) => gigabytes(bytes[part]),
    })),
  ];
}

export function planText(plan: StudyPlan): string {
  const { name, device, precision, data, peakFlops, utilisation, free, total, trainings } = plan;
  const peaks = trainings.flatMap(({ title, memory }) => [
    { name: `${title}, training`, bytes: memory.training },
    { name: `${title}, evaluation`, bytes: memory.evaluation },
  ]);
  const isOnCpu = device === 'cpu';
  return [
    `${name}: ${data}`,
    '',
    textTable(columns, trainings),
    '',
    textTable(peakColumns(isOnCpu), peaks),
    '',
    ...batchLines(trainings),
    `Time         ${scaled(peakFlops * utilisation)}FLOP/s: ${(100 * utilisation).toFixed(0)} % (typical of such trainings) of the ${scaled(peakFlops)}FLOP/s that matrix ` +
      `products in ${precision} reach on ${device}, measured now; without evaluations`,
    'Memory       an estimate within 15 %. Loss: logits of the part at hand, and what they are made from. ' +
      (isOnCpu
        ? 'Heap: room between tensors that the allocator keeps. Process: measured now, without tensors'
        : "Tensors alone, as the device's allocator counts them; not measured on every device"),
    `Free         ${gigabytes(free)} of ${gigabytes(total)}`,
    ...trainings.flatMap(verdict),
  ].join('\n');
}

function verdict({ title, memory, advice }: PlannedTraining): string[] {
  if (memory.fits) return [];
  const needed = Math.max(memory.training.total, memory.evaluation.total);
  return [
    '',
    `${title} needs about ${gigabytes(needed)}, more than is free. Lower it:`,
    ...advice.map((line) => `  ${line}`),
  ];
}
