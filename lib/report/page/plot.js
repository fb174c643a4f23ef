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

  const units = [
    [1e15, 'P'],
    [1e12, 'T'],
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ];
  /** `12.3 k` from 10,000 on, `2.5e-7` below a thousandth of a thousandth; else no more digits than it takes. */
  function short(value, digits = 6) {
    if (value === null || value === undefined) return '';
    const unit = Math.abs(value) >= 1e4 && units.find(([size]) => Math.abs(value) >= size);
    if (unit) return `${Number((value / unit[0]).toPrecision(Math.min(digits, 4)))} ${unit[1]}`;
    return String(Number(value.toPrecision(digits)));
  }

  const sizeOf = (place, [narrow, wide]) => ({
    width: place.clientWidth,
    height: place.clientWidth < 480 ? narrow : wide,
  });
  return { color, wholeSteps, axis, alignedColumns, short, sizeOf };
})();
