import fs from 'node:fs';
import path from 'node:path';

import fc from 'fast-check';

import { reportFigures, reportHtml, writeReport, type Report } from '../../lib/report';
import { markup, scriptData } from '../../lib/report/markup';
import { linearScale } from '../../lib/report/scale';
import { temporaryFolder } from '../train/tokens';
import { hostile, sampleReport } from './sample-report';

/** Tags in order; throws where they do not close each other. */
function tagsOf(svg: string): string[] {
  const open: string[] = [];
  const seen: string[] = [];
  for (const [, closing, name, , self] of svg.matchAll(/<(\/?)([a-zA-Z]+)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>/g)) {
    if (closing) expect(open.pop()).toBe(name);
    else {
      seen.push(name!);
      if (!self) open.push(name!);
    }
  }
  expect(open).toEqual([]);
  return seen;
}

const figure = (name: string, report: Report = sampleReport()) => reportFigures(report).get(`${name}.svg`)!;

test('every figure is a well-formed SVG file with its title and no script', () => {
  for (const [name, svg] of reportFigures(sampleReport())) {
    expect(name).toMatch(/^[a-z.-]+\.svg$/);
    const tags = tagsOf(svg);
    expect(tags[0]).toBe('svg');
    expect(tags).not.toContain('script');
    expect(tags).not.toContain('img');
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    // No `<` but those of tags.
    expect(svg.replaceAll(/<\/?[a-zA-Z][^<>]*>/g, '')).not.toContain('<');
  }
});

test('a curve for each contender, bands where seeds spread, dashes where outputs are stored', () => {
  expect(figure('evaluation-loss').match(/class="curve"/g)).toHaveLength(4);
  expect(figure('evaluation-loss').match(/fill-opacity/g)).toHaveLength(4);
  expect(figure('training-loss').match(/fill-opacity/g)).toBeNull();
  expect(figure('training-loss').match(/stroke-dasharray:6 4/g)).toHaveLength(2); // curve and legend
});

test('a mark for each contender of a scatter, and a cell for each number of a heat map', () => {
  expect(figure('quality-cost').match(/class="mark"/g)).toHaveLength(4);
  const heat = figure('layer-weights');
  expect(heat.match(/class="cell"/g)).toHaveLength(5);
  for (const text of ['0.250', '0.750', '0.200', '0.300', '0.500']) expect(heat).toContain(`>${text}</text>`);
});

test('figures of a single point and of equal values can be drawn', () => {
  const report = sampleReport();
  const [chart] = report.curves;
  const one = { ...chart!, curves: [{ contender: chart!.curves[0]!.contender, points: [{ x: 5, y: 2 }] }] };
  expect(figure('evaluation-loss', { ...report, curves: [one] })).not.toMatch(/NaN|Infinity/);
});

test('all text of the page is escaped, in the script data too', () => {
  const html = reportHtml(sampleReport());
  expect(html).not.toContain(hostile);
  expect(html).not.toContain('<img');
  expect(html.match(/<script/g)).toHaveLength(4);
  expect(html).toContain('&lt;script&gt;document.title=&#39;taken&#39;&lt;/script&gt;');
  const data = /<script type="application\/json" id="curves">(.*?)<\/script>/s.exec(html)![1]!;
  const parsed = JSON.parse(data) as { curves: { title: string }[] }[];
  expect(parsed[0]!.curves[3]!.title).toBe(hostile);
});

test('the page asks for nothing from elsewhere', () => {
  const html = reportHtml(sampleReport());
  const { title } = sampleReport();
  expect(title).toContain('src=x');
  expect(html.replaceAll(/&[a-z#0-9]+;/g, '')).not.toMatch(/<(link|script|img|iframe)[^>]*(src|href)="(?!data:)/);
  expect(html).not.toMatch(/@import|url\((?!data:)/);
});

test('a report without curves has no script', () => {
  expect(reportHtml({ ...sampleReport(), curves: [] })).not.toContain('<script');
});

test('the page and its figures are written', async () => {
  const folder = temporaryFolder();
  try {
    await writeReport(path.join(folder, 'new', 'page.html'), sampleReport());
    expect(fs.readdirSync(path.join(folder, 'new')).sort()).toEqual(['figures', 'page.html']);
    expect(fs.readdirSync(path.join(folder, 'new/figures')).sort()).toEqual([
      'evaluation-loss.svg',
      'layer-weights.svg',
      'quality-cost.svg',
      'training-loss.svg',
    ]);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

test('any text is sound inside markup and script data', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const { text: html } = markup`<b title="${text}">${text}</b>`;
      expect(html.slice(3, -4)).not.toMatch(/<|&(?!amp;|lt;|gt;|quot;|#39;)/);
      expect(html.match(/"/g)).toHaveLength(2);
      const { text: script } = scriptData({ text });
      expect(script).not.toMatch(/[<>&]/);
      expect(JSON.parse(script)).toEqual({ text });
    }),
  );
});

test('a scale holds its values, and its ticks are round, ascending and inside', () => {
  const value = fc.double({ min: -1e12, max: 1e12, noNaN: true });
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 20 }), (values) => {
      const scale = linearScale(values, [0, 100]);
      for (const one of values) {
        expect(scale.at(one)).toBeGreaterThanOrEqual(-1e-6);
        expect(scale.at(one)).toBeLessThanOrEqual(100 + 1e-6);
      }
      expect(scale.ticks.length).toBeLessThan(15);
      expect([...scale.ticks].sort((a, b) => a - b)).toEqual(scale.ticks);
      for (const tick of scale.ticks) expect(scale.label(tick)).not.toMatch(/NaN|Infinity|undefined/);
    }),
  );
});
