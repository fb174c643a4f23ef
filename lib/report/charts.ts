/** Figures as SVG: for the page and, by themselves, for files. No browser, no canvas. */
import { colorOf, colorVariables } from './colors';
import { Markup, markup } from './markup';
import type { Contender, CurveChart, Point, ScatterChart } from './report';
import { linearScale, logScale, type Scale } from './scale';

/** Where a figure's axes are, inside its size. */
interface Plot extends Size {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

const plotOf = (width: number, height: number): Plot => ({
  width,
  height,
  left: 62,
  right: width - 14,
  top: 14,
  bottom: height - 48,
});
const wide = plotOf(720, 400);
/** Two of them stand side by side. */
const narrow = plotOf(460, 380);

/** The styles that figures need, wherever they stand. */
export const chartStyle =
  '.chart text{font:13px system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;fill:var(--muted)}' +
  '.chart text.name{fill:var(--text)}.chart .grid{stroke:var(--grid)}.chart .axis{stroke:var(--line)}.chart path{fill:none}' +
  '.chart .heat-label{font-size:12px}';

/** A figure as a file of its own, with its legend and colours inside. */
export function standalone(figure: Markup, title: string, { width: w, height: h }: Size): string {
  const svg = markup`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w} ${h + 34}" width="${w}" height="${h + 34}" role="img" aria-label="${title}"><title>${title}</title><style>${new Markup(colorVariables('svg') + chartStyle)}.title{font-size:15px!important;font-weight:600}</style><rect width="100%" height="100%" fill="var(--paper)"/><g class="chart"><text class="name title" x="12" y="22">${title}</text><g transform="translate(0 34)">${figure}</g></g></svg>`;
  return `${svg.text}\n`;
}

export interface Size {
  width: number;
  height: number;
}

export interface Figure {
  body: Markup;
  size: Size;
}

/** A figure inside a page, where it takes the width that is there, or at most its own. */
export const inline = ({ body, size }: Figure, title: string, width: 'any' | 'own' = 'any') =>
  markup`<svg class="chart" viewBox="0 0 ${size.width} ${size.height}"${width === 'own' ? markup` style="max-width:${size.width}px"` : ''} role="img" aria-label="${title}">${body}</svg>`;

const dash = ({ dashed }: Contender) => (dashed ? '6 4' : 'none');

/** Curves over a common axis, with a band where several seeds spread, and a legend below. */
export function curveFigure({ curves, xLabel, yLabel, marked, xScale, fromZero }: CurveChart): Figure {
  const plot = wide;
  const all = curves.flatMap(({ points }) => points);
  const x = (xScale === 'log' ? logScale : linearScale)(
    all.map((point) => point.x),
    [plot.left, plot.right],
    8,
  );
  const y = linearScale(
    [...(fromZero ? [0] : []), ...all.flatMap(({ y: value, low = value, high = value }) => [value, low, high])],
    [plot.bottom, plot.top],
  );
  const drawn = curves.map(({ contender, points }) => {
    const line = pathOf(points, (point) => [x.at(point.x), y.at(point.y)]);
    const spread = points.filter(({ low }) => low !== undefined);
    const outline = [
      ...spread.map((point) => [x.at(point.x), y.at(point.high!)] as const),
      ...spread.toReversed().map((point) => [x.at(point.x), y.at(point.low!)] as const),
    ];
    const band =
      outline.length > 2
        ? markup`<path d="${pathOf(outline, (place) => place)}Z" style="fill:${colorOf(contender)};fill-opacity:.14"/>`
        : '';
    const marks = marked ? points.map((point) => dot(contender, x.at(point.x), y.at(point.y), 3)) : [];
    return markup`<g class="curve">${band}<path d="${line}" style="stroke:${colorOf(contender)};stroke-width:1.8;stroke-linejoin:round;stroke-dasharray:${dash(contender)}"/>${marks}</g>`;
  });
  return withLegend(
    markup`${axes(plot, x, y, xLabel, yLabel)}${drawn}`,
    curves.map(({ contender }) => contender),
  );
}

/** A mark for each contender, its name beside it; lines show the least and the most over several seeds. */
export function scatterFigure({ marks, xLabel, yLabel }: ScatterChart): Figure {
  const plot = narrow;
  const room = 7 * Math.max(0, ...marks.map(({ contender }) => contender.title.length)) + 16;
  const x = linearScale(
    marks.map(({ point }) => point.x),
    [plot.left + 12, plot.right - room],
    6,
  );
  const y = linearScale(
    marks.flatMap(({ point: { y: value, low = value, high = value } }) => [value, low, high]),
    [plot.bottom - 10, plot.top + 10],
    6,
  );
  const places = marks.map(({ contender, point }) => ({ contender, point, left: x.at(point.x), top: y.at(point.y) }));
  const labels = apart(
    places.map(({ top }) => top),
    15,
  );
  const drawn = places.map(({ contender, point, left, top }, index) => {
    const range =
      point.low === undefined || point.high === undefined
        ? ''
        : markup`<path d="M${left} ${y.at(point.low)}V${y.at(point.high)}" style="stroke:${colorOf(contender)};stroke-width:1.5"/>`;
    const label = labels[index]!;
    const leader =
      Math.abs(label - top) > 4
        ? markup`<path d="M${left + 6} ${top}L${left + 11} ${label}" style="stroke:${colorOf(contender)};stroke-width:1;stroke-opacity:.6"/>`
        : '';
    return markup`<g class="mark">${range}${leader}${dot(contender, left, top, 5.5)}<text class="name" x="${left + 13}" y="${label + 4}">${contender.title}</text></g>`;
  });
  return { body: markup`${axes(plot, x, y, xLabel, yLabel)}${drawn}`, size: plot };
}

function dot(contender: Contender, left: number, top: number, radius: number): Markup {
  const fill = contender.dashed ? 'var(--paper)' : colorOf(contender);
  return markup`<circle cx="${left}" cy="${top}" r="${radius}" style="fill:${fill};stroke:${colorOf(contender)};stroke-width:1.6"/>`;
}

/** Places at least so far apart, each as near to where it should be as the others let it. */
function apart(wanted: readonly number[], distance: number): number[] {
  const order = wanted.map((_, index) => index).sort((a, b) => wanted[a]! - wanted[b]!);
  const placed = [...wanted];
  // Neighbours that are too near push each other away, a few times over.
  for (let round = 0; round < 60; round++) {
    for (let index = 1; index < order.length; index++) {
      const [upper, lower] = [order[index - 1]!, order[index]!];
      const missing = distance - (placed[lower]! - placed[upper]!);
      if (missing <= 0) continue;
      placed[upper]! -= missing / 2;
      placed[lower]! += missing / 2;
    }
  }
  return placed;
}

function axes(plot: Plot, x: Scale, y: Scale, xLabel: string, yLabel: string): Markup {
  const columns = x.ticks.map(
    (tick) =>
      markup`<path class="grid" d="M${x.at(tick)} ${plot.top}V${plot.bottom}"/><text x="${x.at(tick)}" y="${plot.bottom + 18}" text-anchor="middle">${x.label(tick)}</text>`,
  );
  const rows = y.ticks.map(
    (tick) =>
      markup`<path class="grid" d="M${plot.left} ${y.at(tick)}H${plot.right}"/><text x="${plot.left - 8}" y="${y.at(tick) + 4}" text-anchor="end">${y.label(tick)}</text>`,
  );
  const middle = (plot.top + plot.bottom) / 2;
  return markup`${columns}${rows}<path class="axis" d="M${plot.left} ${plot.top}V${plot.bottom}H${plot.right}"/><text x="${(plot.left + plot.right) / 2}" y="${plot.bottom + 40}" text-anchor="middle">${xLabel}</text><text transform="translate(14 ${middle}) rotate(-90)" text-anchor="middle">${yLabel}</text>`;
}

/** The legend's lines, below the figure. */
function withLegend(body: Markup, contenders: readonly Contender[]): Figure {
  const longest = Math.max(0, ...contenders.map(({ title }) => title.length));
  const columnWidth = Math.max(164, 7 * longest + 40);
  const plot = wide;
  const columns = Math.max(1, Math.floor((plot.right - plot.left) / columnWidth));
  const entries = contenders.map((contender, index) => {
    const left = plot.left + (index % columns) * columnWidth;
    const top = plot.height + 8 + Math.floor(index / columns) * 20;
    return markup`<path d="M${left} ${top}h22" style="stroke:${colorOf(contender)};stroke-width:2.5;stroke-dasharray:${dash(contender)}"/><text class="name" x="${left + 28}" y="${top + 4}">${contender.title}</text>`;
  });
  const size = { width: plot.width, height: plot.height + 20 * Math.ceil(contenders.length / columns) };
  return { body: markup`${body}<g class="legend">${entries}</g>`, size };
}

function pathOf<T extends Point | readonly [number, number]>(
  points: readonly T[],
  place: (point: T) => readonly [number, number],
): string {
  const coordinate = (value: number) => String(Math.round(value * 100) / 100);
  return points
    .map((point, index) => {
      const [left, top] = place(point);
      return `${index === 0 ? 'M' : 'L'}${coordinate(left)} ${coordinate(top)}`;
    })
    .join('');
}
