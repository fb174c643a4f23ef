/** A report as one HTML file that needs nothing else: no network, no other file. */
import { baseStyle, plotScripts, reportScript } from './assets';
import { curveFigure, inline, scatterFigure, type Figure } from './charts';
import { colorCount, colorOf } from './colors';
import { heatFigure } from './heat-map';
import { Markup, markup, scriptData } from './markup';
import type { Contender, CurveChart, Report, ReportSample, ReportTable } from './report';

/** The whole page. */
export function reportHtml(report: Report): string {
  const {
    title,
    summary,
    findings,
    table,
    notes,
    curves,
    speed,
    scatters,
    settings = [],
    heatMaps,
    samples,
    details,
    facts,
  } = report;
  const body = markup`<header><h1>${title}</h1><p class="summary">${summary}</p></header>
${findings.length > 0 ? markup`<section class="findings" aria-label="Findings">${findings.map((text) => markup`<p>${text}</p>`)}</section>` : ''}
<section><h2>Results</h2>${tableOf(table, 'Results')}${notes.length > 0 ? markup`<ul class="notes">${notes.map((note) => markup`<li>${note}</li>`)}</ul>` : ''}</section>
${settings.length > 0 ? section('Score against each setting', markup`<div class="pair">${settings.map((chart) => framed(chart.title, curveFigure(chart)))}</div>`) : ''}
${curves.length > 0 ? section('Learning', markup`<p class="hint">Drag over a part to enlarge it, double-click to go back; a click on a name hides its curve.</p><div class="curves">${curves.map(curvePlace)}</div>`) : ''}
${speed && speed.rows.length > 0 ? section('Speed and memory', tableOf(speed, 'Speed and memory')) : ''}
${scatters.length > 0 ? section('Quality against cost', markup`<div class="pair">${scatters.map((chart) => framed(chart.title, scatterFigure(chart)))}</div>`) : ''}
${heatMaps.length > 0 ? section('Learned layer weights', markup`<div class="heat-maps">${heatMaps.map((map) => framed(map.title, heatFigure(map), 'own'))}</div>`) : ''}
${samples.length > 0 ? section('Samples', markup`<div class="samples">${samples.map(sampleOf)}</div>`) : ''}
${section('Where the numbers come from', markup`<dl class="facts">${facts.map(([name, value]) => markup`<dt>${name}</dt><dd>${value}</dd>`)}</dl>${details.map(({ title: name, text }) => markup`<details><summary>${name}</summary><pre>${text}</pre></details>`)}`)}`;
  const styles = new Markup(baseStyle());
  const scripts =
    curves.length > 0
      ? markup`<script type="application/json" id="curves">${scriptData(curves.map(curveData))}</script>
${[...plotScripts(), reportScript()].map((code) => markup`<script>${inlineScript(code)}</script>\n`)}`
      : '';
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>
${styles}
</style>
</head>
<body>
${body}
<footer>Made by Torchwright.</footer>
${scripts}
</body>
</html>
`.text;
}

/** Our own code, which must not hold what ends a script. */
function inlineScript(code: string): Markup {
  if (/<\/script|<!--/i.test(code)) throw new Error('a script of the page holds what would end it');
  return new Markup(code);
}

const section = (title: string, content: Markup) => markup`<section><h2>${title}</h2>${content}</section>`;
const framed = (title: string, figure: Figure, width?: 'own') =>
  markup`<figure><h3>${title}</h3>${inline(figure, title, width)}</figure>`;

const swatch = (contender: Contender) =>
  markup`<span class="swatch${contender.dashed ? ' dashed' : ''}" style="color:${colorOf(contender)};background:${colorOf(contender)}"></span>`;

function tableOf({ columns, rows }: ReportTable, name: string): Markup {
  const heads = columns.map(({ title }) => markup`<th scope="col">${title}</th>`);
  const lines = rows.map(({ contender, cells: [name = '', ...cells], failed }) => {
    const rest = cells.map((cell, index) => markup`<td data-key="${columns[index + 1]?.key ?? ''}">${cell}</td>`);
    return markup`<tr${failed ? new Markup(' class="failed"') : ''}><th scope="row">${swatch(contender)}${name}</th>${rest}</tr>`;
  });
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="${name}"><table class="table${name === 'Results' ? ' results' : ''}"><thead><tr>${heads}</tr></thead><tbody>${lines}</tbody></table></div>`;
}

/** The figure is there without the script, which puts its own in its place. */
const curvePlace = (chart: CurveChart, index: number) =>
  markup`<figure><h3>${chart.title}</h3><div data-curves="${index}">${inline(curveFigure(chart), chart.title)}</div></figure>`;

const curveData = ({ xLabel, yLabel, curves, marked, fromZero = false }: CurveChart) => ({
  xLabel,
  yLabel,
  marked,
  fromZero,
  curves: curves.map(({ contender: { title, color, dashed }, points }) => ({
    title,
    color: `--c${color % colorCount}`,
    dashed,
    points: points.map(({ x, y, low, high }) => (low === undefined ? [x, y] : [x, y, low, high])),
  })),
});

function sampleOf({ source, reference, texts }: ReportSample): Markup {
  const all = texts.map(
    ({ contender, text }) => markup`<dt>${swatch(contender)}${contender.title}</dt><dd>${text}</dd>`,
  );
  const wanted = reference === null ? '' : markup`<dt>Reference</dt><dd>${reference}</dd>`;
  return markup`<blockquote>${source}</blockquote><dl>${wanted}${all}</dl>`;
}
