/** Which figures there are: those for which some shown run has numbers. */
import { bytes, duration, number, percent, plain, rate } from './format.mjs';
import { Plot } from './plot.mjs';

const place = document.getElementById('charts');

const fixed = [
  {
    id: 'loss',
    title: 'Loss',
    hint: 'bold: training, smoothed; dots: evaluation',
    curve: 'loss',
    evaluation: 'eval_loss',
    big: true,
    log: true,
    marks: true,
    format: plain,
    precise: (value) => number(value, 5),
  },
  {
    id: 'objective',
    title: 'Objective',
    hint: 'what is minimised',
    curve: 'objective',
    log: true,
    format: plain,
    precise: (value) => number(value, 3),
  },
  { id: 'learningRate', title: 'Learning rate', curve: 'learningRate', zero: true, format: rate },
  {
    id: 'gradNorm',
    title: 'Gradient norm',
    hint: 'before clipping',
    curve: 'gradNorm',
    log: true,
    format: plain,
    precise: (value) => number(value, 3),
  },
  { id: 'tokensPerSecond', title: 'Tokens per second', curve: 'tokensPerSecond', zero: true },
  { id: 'stepSeconds', title: 'Step time', curve: 'stepSeconds', stack: true, zero: true, format: duration },
  { id: 'mfu', title: 'Model FLOPs utilisation', curve: 'mfu', zero: true, format: percent },
  { id: 'deviceMemory', title: 'Memory of the accelerator', curve: 'deviceMemory', zero: true, format: bytes },
  { id: 'memory', title: 'Memory of the process', curve: 'memory', zero: true, format: bytes },
  { id: 'scale', title: 'Loss scale', curve: 'scale', log: true },
];

/** Metrics of evaluations beside the loss, and what a module's own loss function tells. */
function others(views) {
  const names = new Set(views.flatMap(({ evaluations }) => Object.keys(evaluations.metrics)));
  names.delete('eval_loss');
  const own = new Set(views.flatMap(({ curves }) => Object.keys(curves).filter((name) => name.startsWith('metrics.'))));
  const words = (name) => name.replaceAll('_', ' ');
  const format = plain;
  const precise = (value) => number(value, 4);
  return [
    ...[...names].map((name) => ({
      id: name,
      title: `Evaluation: ${words(name.replace(/^eval_/, ''))}`,
      evaluation: name,
      log: /perplexity|loss/.test(name),
      format,
      precise,
    })),
    ...[...own].map((curve) => ({ id: curve, title: words(curve.slice('metrics.'.length)), curve, format, precise })),
  ];
}

const hasNumbers = (chart) => (view) =>
  view.curves[chart.curve]?.line.some((value) => value !== null) ||
  view.evaluations.metrics[chart.evaluation]?.some((value) => value !== null);

export class Charts {
  #plots = new Map();
  #actions;

  constructor(actions) {
    this.#actions = actions;
  }

  /** @param drawn `[{ run, view }]` of all shown runs */
  show(drawn) {
    const wanted = [...fixed, ...others(drawn.map(({ view }) => view))].filter((chart) =>
      drawn.some(({ view }) => hasNumbers(chart)(view)),
    );
    for (const [id, plot] of this.#plots) {
      if (wanted.some((chart) => chart.id === id)) continue;
      plot.destroy();
      this.#plots.delete(id);
    }
    wanted.forEach((chart, index) => {
      let plot = this.#plots.get(chart.id);
      if (plot === undefined) this.#plots.set(chart.id, (plot = new Plot(chart, this.#actions)));
      if (place.children[index] !== plot.element) place.insertBefore(plot.element, place.children[index] ?? null);
      plot.show(drawn.filter(({ view }) => hasNumbers(chart)(view)));
    });
  }

  focus(id) {
    for (const plot of this.#plots.values()) plot.focus(id);
  }

  recolor() {
    for (const plot of this.#plots.values()) plot.recolor();
  }
}
