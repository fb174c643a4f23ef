/** A matrix of numbers as coloured cells, each with its number. */
import type { Figure } from './charts';
import { markup } from './markup';
import type { HeatMap } from './report';

const cell = { width: 58, height: 32 };
const left = 62;
const top = 44;

export function heatFigure({ rows, columns, rowLabel, columnLabel }: HeatMap): Figure {
  const values = rows.flatMap(({ cells }) => cells.filter((value) => value !== null));
  // From 0, so that equal weights look equal; a softmax has no others.
  const [low, high] = [Math.min(0, ...values), Math.max(...values, 1e-9)];
  const heads = columns.map(
    (column, index) =>
      markup`<text x="${left + (index + 0.5) * cell.width}" y="${top - 8}" text-anchor="middle">${column}</text>`,
  );
  const lines = rows.map(({ label, cells }, row) => {
    const y = top + row * cell.height;
    const drawn = cells.map((value, column) => {
      if (value === null) return '';
      const strength = (value - low) / (high - low);
      const x = left + column * cell.width;
      return markup`<rect class="cell" x="${x + 1}" y="${y + 1}" width="${cell.width - 2}" height="${cell.height - 2}" rx="3" style="fill:var(--heat);fill-opacity:${0.06 + 0.94 * strength}"/><text x="${x + cell.width / 2}" y="${y + cell.height / 2 + 4}" text-anchor="middle" style="fill:${inkOn(strength)}">${value.toFixed(3)}</text>`;
    });
    return markup`<text x="${left - 10}" y="${y + cell.height / 2 + 4}" text-anchor="end">${label}</text>${drawn}`;
  });
  const middle = top + (rows.length * cell.height) / 2;
  return {
    body: markup`<text class="heat-label" x="${left}" y="14">${columnLabel}</text><text class="heat-label" transform="translate(14 ${middle}) rotate(-90)" text-anchor="middle">${rowLabel}</text>${heads}${lines}`,
    size: { width: left + columns.length * cell.width + 6, height: top + rows.length * cell.height + 6 },
  };
}

/** Legible on a cell of that strength, on light and on dark pages. */
function inkOn(strength: number): string {
  if (strength < 0.65) return 'var(--text)';
  return strength < 0.85 ? '#14181e' : 'var(--paper)';
}
