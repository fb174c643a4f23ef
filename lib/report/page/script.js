/** Makes the page's curves interactive: values under the pointer, curves to switch off, parts to enlarge. Runs in the browser. */
'use strict';
{
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(name).trim();
  const charts = JSON.parse(document.getElementById('curves').textContent);
  const font = '12px system-ui, sans-serif';

  /** Columns for uPlot, which wants one x for all: places where a curve has no point are gaps that are bridged. */
  function columnsOf(curves) {
    const xs = [...new Set(curves.flatMap(({ points }) => points.map(([x]) => x)))].sort((a, b) => a - b);
    const place = new Map(xs.map((x, index) => [x, index]));
    const column = (points, part) => {
      const values = new Array(xs.length).fill(null);
      for (const point of points) values[place.get(point[0])] = point[part] ?? null;
      return values;
    };
    return [xs, ...curves.flatMap(({ points }) => [column(points, 1), column(points, 2), column(points, 3)])];
  }

  function seriesOf({ title, color: variable, dashed }, marked) {
    const bound = {
      label: `${title} bound`,
      class: 'bound',
      stroke: 'transparent',
      points: { show: false },
      spanGaps: true,
    };
    const line = {
      label: title,
      stroke: () => color(variable),
      width: 1.8,
      dash: dashed ? [6, 4] : [],
      spanGaps: true,
      points: { show: marked, size: 6, fill: () => color(variable) },
      value: (_, value) => (typeof value === 'number' ? value.toFixed(4) : ''),
    };
    return [line, bound, { ...bound }];
  }

  function bandsOf(curves) {
    return curves.map(({ color: variable }, index) => ({
      series: [3 * index + 3, 3 * index + 2],
      fill: () => `color-mix(in srgb, ${color(variable)} 14%, transparent)`,
    }));
  }

  const markerOf = ({ color: variable, dashed }) =>
    dashed ? `repeating-linear-gradient(90deg, var(${variable}) 0 5px, transparent 5px 8px)` : `var(${variable})`;

  /** Steps of a training are whole numbers. */
  const wholeSteps = Array.from({ length: 12 }, (_, power) => [1, 2, 5].map((factor) => factor * 10 ** power)).flat();
  const axis = (label, size) => ({
    label,
    labelFont: font,
    font,
    size,
    labelSize: 20,
    stroke: () => color('--muted'),
    grid: { stroke: () => color('--grid'), width: 1 },
    ticks: { show: false },
  });

  const sizeOf = (place) => ({ width: place.clientWidth, height: place.clientWidth < 480 ? 250 : 340 });
  const plots = charts.map(({ xLabel, yLabel, curves, marked }, index) => {
    const place = document.querySelector(`[data-curves="${index}"]`);
    place.textContent = '';
    const plot = new uPlot(
      {
        ...sizeOf(place),
        scales: { x: { time: false } },
        series: [{ label: xLabel }, ...curves.flatMap((curve) => seriesOf(curve, marked))],
        bands: bandsOf(curves),
        axes: [{ ...axis(xLabel, 34), incrs: wholeSteps }, axis(yLabel, 52)],
        cursor: { points: { size: 7 } },
        legend: { markers: { fill: (_, i) => (i > 0 ? markerOf(curves[Math.floor((i - 1) / 3)]) : 'transparent') } },
        hooks: {
          // A curve's band goes and comes with it.
          setSeries: [
            (self, i, { show }) => {
              if (i === null || show === undefined || (i - 1) % 3 !== 0) return;
              for (const bound of [i + 1, i + 2]) self.setSeries(bound, { show });
            },
          ],
        },
      },
      columnsOf(curves),
      place,
    );
    new ResizeObserver(() => plot.setSize(sizeOf(place))).observe(place);
    return plot;
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    for (const plot of plots) plot.redraw();
  });
}
