/** A report with everything that one can hold, and with texts that would break a careless page. */
import type { Contender, Report } from '../../lib/report';

export const hostile = `<script>document.title='taken'</script><img src=x onerror="alert(1)">'"&`;

const contender = (title: string, color: number, dashed = false): Contender => ({ title, color, dashed });
export const contenders = [
  contender('Baseline', 0),
  contender('Method 3.2', 1),
  contender('Method 3.2 (stored)', 1, true),
  contender(hostile, 2),
];

const steps = Array.from({ length: 40 }, (_, index) => (index + 1) * 10);

export function sampleReport(): Report {
  const curve = (shift: number) => steps.map((x) => ({ x, y: 2 + shift + 3 * Math.exp(-x / 80) }));
  return {
    title: `Study ${hostile}`,
    summary: `4 variants; ${hostile}`,
    findings: ['None is more than the spread over seeds explains.', hostile],
    table: {
      columns: [
        { title: 'Variant', key: 'title' },
        { title: 'Loss', key: 'evalLoss' },
        { title: 'A column with a long title', key: null },
      ],
      rows: contenders.map((own, index) => ({
        contender: own,
        cells: [own.title, (2.5 + index / 7).toFixed(4), '1,234,567'],
        failed: index === 3,
      })),
    },
    notes: [hostile],
    curves: [
      {
        id: 'evaluation-loss',
        title: 'Evaluation loss',
        xLabel: 'step',
        yLabel: 'nats per token',
        marked: true,
        curves: contenders.map((own, index) => ({
          contender: own,
          points: curve(index / 4).map((point) => ({ ...point, low: point.y - 0.1, high: point.y + 0.1 })),
        })),
      },
      {
        id: 'training-loss',
        title: 'Training loss',
        xLabel: 'step',
        yLabel: 'nats per token',
        marked: false,
        curves: contenders.map((own, index) => ({ contender: own, points: curve(index / 4) })),
      },
    ],
    speed: {
      columns: ['', 'Tokens/s', 'Step time'].map((title) => ({ title, key: null })),
      rows: contenders.map((own) => ({ contender: own, cells: [own.title, '12,345', '48 ms'], failed: false })),
    },
    scatters: [
      {
        id: 'quality-cost',
        title: 'Loss against FLOPs',
        xLabel: 'FLOPs',
        yLabel: 'loss',
        marks: contenders.map((own, index) => ({
          contender: own,
          point: { x: 1e6 * (1 + index), y: 2.5 + index / 7 },
        })),
      },
    ],
    heatMaps: [
      {
        id: 'layer-weights',
        title: 'Method 3.2',
        rowLabel: 'layer',
        columnLabel: 'weight of layer',
        columns: ['0', '1', '2'],
        rows: [
          { label: '1', cells: [0.25, 0.75, null] },
          { label: '2', cells: [0.2, 0.3, 0.5] },
        ],
      },
    ],
    samples: [
      { source: hostile, reference: hostile, texts: contenders.map((own) => ({ contender: own, text: hostile })) },
    ],
    details: [{ title: hostile, text: `seed: 42\n${hostile}` }],
    facts: [['Machine', hostile]],
  };
}
