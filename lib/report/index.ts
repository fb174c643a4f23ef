/** Reports for readers: one HTML file that holds everything, and figures as SVG files. */
import path from 'node:path';

import { writeFileAtomically } from '../files';
import { curveFigure, scatterFigure, standalone } from './charts';
import { heatFigure } from './heat-map';
import { reportHtml } from './html';
import type { Report } from './report';

export { baseStyle, plotScripts } from './assets';
export { colorCount } from './colors';
export { Markup, markup } from './markup';
export { roundStep } from './scale';
export { reportHtml } from './html';
export type * from './report';

/** The figures of a report, each the text of an SVG file, by name. */
export function reportFigures({ curves, scatters, settings = [], heatMaps }: Report): Map<string, string> {
  const drawn = [
    ...[...settings, ...curves].map((chart) => ({ ...chart, figure: curveFigure(chart) })),
    ...scatters.map((chart) => ({ ...chart, figure: scatterFigure(chart) })),
    ...heatMaps.map((map) => ({ ...map, figure: heatFigure(map) })),
  ];
  return new Map(drawn.map(({ id, title, figure }) => [`${id}.svg`, standalone(figure.body, title, figure.size)]));
}

/** Writes the page, and its figures into the folder `figures` beside it. */
export async function writeReport(file: string, report: Report): Promise<void> {
  for (const [name, svg] of reportFigures(report))
    await writeFileAtomically(path.join(path.dirname(file), 'figures', name), svg);
  await writeFileAtomically(file, reportHtml(report));
}
