/** What all interactive curves have in common. Runs in the browser, before the page's own script. */
'use strict';
globalThis.plotParts = (() => {
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(name).trim();
  const font = '12px system-ui, sans-serif';
  /** Steps of a training are whole numbers. */
  const wholeSteps = Array.from({ length: 12 }, (_, power) => [1, 2, 5].map((factor) => factor * 10 ** power)).flat();

  const axis = (label, size) => ({
    ...(label && { label, labelFont: font, labelSize: 20 }),
    font,
    size,
    stroke: () => color('--muted'),
    grid: { stroke: () => color('--grid'), width: 1 },
    ticks: { show: false },
  });

  /**
   * Columns for uPlot, which wants one x for all: places where a curve has no point are gaps that are bridged.
   * @param curves each `{ x, columns }`: its places, ascending, and values at them
   */
  function alignedColumns(curves) {
    const xs = [...new Set(curves.flatMap(({ x }) => x))].sort((a, b) => a - b);
    const place = new Map(xs.map((x, index) => [x, index]));
    const aligned = ({ x, columns }) =>
      columns.map((values) => {
        const column = new Array(xs.length).fill(null);
        x.forEach((at, index) => (column[place.get(at)] = values[index] ?? null));
        return column;
      });
    return [xs, ...curves.flatMap(aligned)];
  }

  const sizeOf = (place, [narrow, wide]) => ({
    width: place.clientWidth,
    height: place.clientWidth < 480 ? narrow : wide,
  });
  return { color, wholeSteps, axis, alignedColumns, sizeOf };
})();
