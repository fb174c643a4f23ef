/** Makes the page's curves interactive: values under the pointer, curves to switch off, parts to enlarge. Runs in the browser. */
'use strict';
{
  const { color, wholeSteps, axis, alignedColumns, short, sizeOf } = plotParts;
  const charts = JSON.parse(document.getElementById('curves').textContent);

  const columnsOf = (curves) =>
    alignedColumns(
      curves.map(({ points }) => ({
        x: points.map(([x]) => x),
        columns: [1, 2, 3].map((part) => points.map((point) => point[part])),
      })),
    );

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
      value: (_, value) => (typeof value === 'number' ? precise(value) : ''),
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

  /** Four decimals, unless they would say nothing. */
  const precise = (value) => (Math.abs(value) < 0.1 || Math.abs(value) >= 1e4 ? short(value, 4) : value.toFixed(4));
  const heights = [250, 340];
  const plots = charts.map(({ xLabel, yLabel, curves, marked, fromZero }, index) => {
    const place = document.querySelector(`[data-curves="${index}"]`);
    place.textContent = '';
    const plot = new uPlot(
      {
        ...sizeOf(place, heights),
        scales: { x: { time: false }, y: fromZero ? { range: (_, __, most) => [0, 1.05 * most || 1] } : {} },
        series: [{ label: xLabel }, ...curves.flatMap((curve) => seriesOf(curve, marked))],
        bands: bandsOf(curves),
        axes: [
          { ...axis(xLabel, 34), incrs: wholeSteps },
          { ...axis(yLabel, 60), values: (_, ticks) => ticks.map((tick) => short(tick)) },
        ],
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
    new ResizeObserver(() => plot.setSize(sizeOf(place, heights))).observe(place);
    return plot;
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    for (const plot of plots) plot.redraw();
  });
}
