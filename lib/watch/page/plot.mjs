/** One figure: curves of all shown runs, drawn by uPlot. */
/* global plotParts, uPlot */
import { colorOf, element, isDashed, stepParts, swatch } from './elements.mjs';
import { duration, short, whole } from './format.mjs';
import { settings } from './settings.mjs';

const { alignedColumns, axis, color, sizeOf, wholeSteps } = plotParts;
const axisNames = { step: 'step', seconds: 'time', tokens: 'tokens' };
const mix = (name, percent) => `color-mix(in srgb, ${color(name)} ${percent}%, transparent)`;

/** What each run's curve is made of, in this order. */
const columnsOfRun = ['line', 'raw', 'low', 'high'];

export class Plot {
  #chart;
  #actions;
  #place = element('div', { className: 'plot' });
  #tip = element('div', { className: 'tip', hidden: true });
  #legend = element('p', { className: 'parts-legend', hidden: true });
  #plot;
  #signature = '';
  #drawn = [];
  #focus = null;

  /** @param actions `zoom([from, to] or null)` */
  constructor(chart, actions) {
    this.#chart = chart;
    this.#actions = actions;
    this.element = element(
      'figure',
      { data: { chart: chart.id } },
      element('h3', {}, chart.title, chart.hint ? element('small', {}, chart.hint) : null),
      this.#legend,
      this.#place,
    );
    new ResizeObserver(() => this.#plot?.setSize(this.#size())).observe(this.#place);
  }

  destroy() {
    this.#plot?.destroy();
    this.element.remove();
  }

  /** @param drawn `[{ run, view }]`, those that have something for this figure */
  show(drawn) {
    this.#drawn = drawn;
    const isStack = this.#isStack();
    this.#legend.hidden = !isStack;
    if (isStack && this.#legend.childElementCount === 0)
      this.#legend.append(
        ...stepParts.map(([part, name]) =>
          element('span', {}, element('i', { style: { background: `var(${name})` } }), part),
        ),
      );
    const signature = JSON.stringify([
      drawn.map(({ run, view }) => [run.id, this.#evaluations(view) !== undefined]),
      settings.axis,
      settings.log && this.#chart.log,
      isStack,
    ]);
    const data = this.#columns();
    if (signature === this.#signature) {
      this.#plot.setData(data);
      return;
    }
    this.#signature = signature;
    this.#plot?.destroy();
    this.#plot = new uPlot(this.#options(), data, this.#place);
    this.#plot.over.append(this.#tip);
  }

  /** Draws one run before the others; null: all alike. */
  focus(id) {
    this.#focus = id;
    this.#plot?.redraw(false);
  }

  recolor() {
    this.#plot?.redraw(false);
  }

  #isStack = () => this.#chart.stack === true && this.#drawn.length === 1;
  #size = () => sizeOf(this.#place, this.#chart.big ? [260, 380] : [210, 230]);
  #curve = (view) => view.curves[this.#chart.curve];
  #evaluations = (view) => {
    const values = view.evaluations.metrics[this.#chart.evaluation];
    return values?.some((value) => value !== null) ? values : undefined;
  };

  #columns() {
    if (this.#isStack()) return this.#stackColumns();
    const positive = settings.log && this.#chart.log;
    const clean = (values) => (positive ? values?.map((value) => (value > 0 ? value : null)) : values) ?? [];
    return alignedColumns(
      this.#drawn.flatMap(({ view }) => {
        const curve = this.#curve(view);
        const own = { x: curve ? view.x : [], columns: columnsOfRun.map((name) => clean(curve?.[name])) };
        const evaluated = this.#evaluations(view);
        return evaluated ? [own, { x: view.evaluations.x, columns: [clean(evaluated)] }] : [own];
      }),
    );
  }

  /** Each part on top of those before it. */
  #stackColumns() {
    const [{ view }] = this.#drawn;
    let below = view.x.map(() => 0);
    const columns = stepParts.map(([part]) => {
      const { line } = view.curves[`split.${part}`] ?? { line: [] };
      below = below.map((sum, index) => sum + (line[index] ?? 0));
      return below;
    });
    return [view.x, ...columns];
  }

  #options() {
    const { zero, format = short, log } = this.#chart;
    const isLog = settings.log && log === true;
    const y = isLog ? { distr: 3 } : zero ? { range: (_, __, most) => [0, (most ?? 1) * 1.08 || 1] } : {};
    const [series, bands] = this.#isStack() ? this.#stackSeries() : this.#series();
    return {
      ...this.#size(),
      scales: {
        x: { time: false, range: (_, least, most) => settings.view ?? [least, most > least ? most : least + 1] },
        y,
      },
      series: [{}, ...series],
      bands,
      padding: [8, 22, 0, 0],
      axes: [
        {
          ...axis(this.#chart.big ? axisNames[settings.axis] : '', 30),
          values: (_, ticks) => ticks.map(settings.axis === 'seconds' ? duration : short),
          ...(settings.axis === 'seconds' ? {} : { incrs: wholeSteps }),
          space: 70,
        },
        { ...axis('', 62), values: (_, ticks) => ticks.map((tick) => (tick === null ? '' : format(tick))) },
      ],
      legend: { show: false },
      cursor: {
        sync: { key: 'runs', setSeries: false },
        drag: { x: true, y: false, setScale: false },
        y: false,
        points: { size: 7, show: true },
        bind: { dblclick: () => () => this.#actions.zoom(null) },
      },
      hooks: {
        setSelect: [(plot) => this.#zoom(plot)],
        setCursor: [(plot) => this.#point(plot)],
        draw: [(plot) => this.#mark(plot)],
      },
    };
  }

  #series() {
    const series = [];
    const bands = [];
    for (const { run, view } of this.#drawn) {
      const name = colorOf(run);
      const faded = (percent) => mix(name, this.#focus === null || this.#focus === run.id ? percent : percent / 5);
      const dash = isDashed(run) ? [6, 4] : [];
      const first = series.length + 1;
      const common = { spanGaps: true, points: { show: false } };
      const silent = { ...common, stroke: 'transparent' };
      series.push(
        { ...common, stroke: () => faded(100), width: 2, dash },
        { ...common, stroke: () => faded(32), width: 1 },
        silent,
        { ...silent },
      );
      bands.push({ series: [first + 3, first + 2], fill: () => faded(20) });
      if (!this.#evaluations(view)) continue;
      series.push({
        ...common,
        stroke: () => faded(90),
        width: 1.25,
        dash: [2, 3],
        points: { show: true, size: 7, width: 1.6, fill: () => color('--paper'), stroke: () => faded(100) },
      });
    }
    return [series, bands];
  }

  #stackSeries() {
    const series = stepParts.map(([, name], index) => ({
      stroke: () => color(name),
      width: 1,
      points: { show: false },
      ...(index === 0 && { fill: () => mix(name, 45) }),
    }));
    const bands = stepParts.slice(1).map(([, name], index) => ({
      series: [index + 2, index + 1],
      fill: () => mix(name, 45),
    }));
    return [series, bands];
  }

  #zoom(plot) {
    const { left, width } = plot.select;
    if (width < 4) return;
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.#actions.zoom([plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x')]);
  }

  /** The values under the pointer, beside it. */
  #point(plot) {
    const { left, idx } = plot.cursor;
    const isHere = plot.over.matches(':hover') && idx !== null && idx !== undefined && left >= 0;
    this.#tip.hidden = !isHere;
    if (!isHere) return;
    const x = plot.data[0][idx];
    const { format = short, precise = format } = this.#chart;
    const lines = this.#isStack()
      ? stepParts.map(([part], index) => [part, plot.data[index + 1][idx] - (index === 0 ? 0 : plot.data[index][idx])])
      : this.#valuesAt(plot, idx);
    this.#tip.replaceChildren(
      element(
        'b',
        {},
        settings.axis === 'seconds' ? duration(x) : `${axisNames[settings.axis]} ${whole(Math.round(x))}`,
      ),
      ...lines.map(([name, value, run]) =>
        element('div', {}, run ? swatch(run) : null, element('span', {}, name), element('em', {}, precise(value))),
      ),
    );
    const isLeft = left > plot.over.clientWidth / 2;
    this.#tip.style.left = isLeft ? '' : `${left + 14}px`;
    this.#tip.style.right = isLeft ? `${plot.over.clientWidth - left + 14}px` : '';
  }

  #valuesAt(plot, idx) {
    const lines = [];
    let column = 1;
    const near = (values) => {
      for (let away = 0; away < 40; away++) {
        const value = values[idx - away] ?? values[idx + away];
        if (value !== null && value !== undefined) return value;
      }
      return null;
    };
    for (const { run, view } of this.#drawn) {
      if (this.#curve(view)) lines.push([run.title, near(plot.data[column]), run]);
      column += columnsOfRun.length;
      if (!this.#evaluations(view)) continue;
      lines.push([this.#curve(view) ? 'evaluation' : run.title, near(plot.data[column]), run]);
      column++;
    }
    return lines.filter(([, value]) => value !== null).slice(0, 16);
  }

  /** What happened at a step: signs along the lower edge, lines for warnings. */
  #mark(plot) {
    if (this.#chart.marks !== true) return;
    for (const old of plot.over.querySelectorAll('.mark, .mark-line')) old.remove();
    const signs = { checkpoint: '●', best: '★', warning: '▲', resumed: '↻', end: '■' };
    for (const { run, view } of this.#drawn) {
      const best = view.marks.findLast((mark) => mark.best);
      for (const mark of view.marks) {
        const left = plot.valToPos(mark.x, 'x');
        if (left < 0 || left > plot.over.clientWidth + 1) continue;
        const kind = mark === best ? 'best' : mark.kind;
        // By itself, and without the pointer, which the figure needs.
        if (kind === 'warning')
          plot.over.append(element('span', { className: 'mark-line', style: { left: `${left}px` } }));
        plot.over.append(
          element(
            'span',
            {
              className: `mark ${kind}`,
              title: `${run.title}, step ${whole(mark.step)}: ${kind === 'best' ? 'best ' : ''}${mark.kind}, ${mark.text}`,
              style: { left: `${left}px`, color: `var(${colorOf(run)})` },
            },
            signs[kind],
          ),
        );
      }
    }
  }
}
