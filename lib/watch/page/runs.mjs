/** The table of runs, which is the legend too: what is switched off is in no figure. */
import { element, stepParts, swatch } from './elements.mjs';
import { bytes, duration, ended, number, percent, rate, short, whole } from './format.mjs';

const place = document.getElementById('runs');
/** Of many runs, so many are shown at first. */
const shownAtFirst = 12;
const hidden = new Set();
const known = new Set();

export const isShown = (run) => !hidden.has(run.id);

/** Runs that begin to be watched are drawn at once, unless there are too many. */
function welcome(runs) {
  for (const { id } of runs) {
    if (known.has(id)) continue;
    if ([...known].filter((other) => !hidden.has(other)).length >= shownAtFirst) hidden.add(id);
    known.add(id);
  }
}

/** Title, text of the cell, what is sorted by. */
const columns = [
  ['Loss', (run) => number(run.loss), (run) => run.loss],
  ['Evaluation', (run) => number(run.evalLoss), (run) => run.evalLoss],
  [
    'Best',
    (run) => (run.best === null ? '–' : `${number(run.best.loss)} at ${short(run.best.step)}`),
    (run) => run.best?.loss ?? null,
  ],
  ['Learning rate', (run) => rate(run.learningRate), (run) => run.learningRate],
  ['Gradient norm', (run) => number(run.gradNorm, 3), (run) => run.gradNorm],
  ['Tokens/s', (run) => short(run.tokensPerSecond), (run) => run.tokensPerSecond],
  ['MFU', (run) => percent(run.mfu), (run) => run.mfu],
  ['Peak memory', (run) => bytes(run.peakMemory), (run) => run.peakMemory],
];

/** Columns with anything in them. */
const filled = (runs) => columns.filter(([, cell]) => runs.some((run) => cell(run) !== '–'));

/** Of an option, the number that it is, else its text. */
const optionOf = (key) => (run) => {
  const text = run.options[key] || null;
  return text === null || Number.isNaN(Number(text)) ? text : Number(text);
};

/** By which column, and whether the greatest come first; null for the order in which they came. */
let order = null;

function sorted(runs, heads) {
  const value = heads.find(([title]) => title === order?.title)?.[1];
  if (value === undefined) return runs;
  const direction = order.descending ? -1 : 1;
  const compare = (a, b) => {
    // What is not known comes last in both directions.
    if (a === null || b === null) return (a === null) - (b === null);
    return direction * (typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b)));
  };
  return [...runs].sort((a, b) => compare(value(a), value(b)));
}

function headOf([title, value], show) {
  if (value === undefined) return element('th', { scope: 'col' }, title);
  const isOrder = order?.title === title;
  const button = element(
    'button',
    {
      type: 'button',
      id: `by-${title}`,
      onclick: () => {
        if (!isOrder) order = { title, descending: false };
        else order = order.descending ? null : { title, descending: true };
        show();
      },
    },
    title,
    isOrder ? (order.descending ? ' ↓' : ' ↑') : '',
  );
  const head = element('th', { scope: 'col' }, button);
  if (isOrder) head.ariaSort = order.descending ? 'descending' : 'ascending';
  return head;
}

/**
 * @param actions `changed()` after runs were switched on or off, `focus(id or null)` while the pointer is on one
 */
export function showRuns(runs, actions) {
  welcome(runs);
  // A table that is replaced while a button is pressed loses the click.
  if (place.matches(':active')) return;
  const focused = place.contains(document.activeElement) ? document.activeElement.id : '';
  const options = Object.keys(runs[0]?.options ?? {});
  const shown = filled(runs);
  const heads = [
    ['Run', runs.length > 1 ? (run) => run.title : undefined],
    ...options.map((key) => [key, optionOf(key)]),
    ['Progress', undefined],
    ...shown.map(([title, , value]) => [title, runs.length > 1 ? value : undefined]),
    ['Step time', undefined],
  ];
  const show = () => showRuns(runs, actions);
  const table = element(
    'table',
    { className: 'table runs' },
    element('thead', {}, element('tr', {}, ...heads.map((head) => headOf(head, show)))),
    element('tbody', {}, ...sorted(runs, heads).map((run) => rowOf(run, options, shown, runs, actions))),
  );
  place.replaceChildren(...(runs.length > 0 ? [table] : []));
  if (focused) document.getElementById(focused)?.focus();
}

function rowOf(run, options, shown, runs, { changed, focus }) {
  const box = element('input', {
    type: 'checkbox',
    id: `run-${run.id}`,
    checked: isShown(run),
    onchange: () => {
      if (box.checked) hidden.delete(run.id);
      else hidden.add(run.id);
      changed();
    },
  });
  const only = element(
    'button',
    {
      type: 'button',
      className: 'only',
      title: 'Show this run alone; once more: all',
      onclick: () => {
        const isAlone = runs.every((other) => isShown(other) === (other === run));
        for (const other of runs) {
          if (isAlone || other === run) hidden.delete(other.id);
          else hidden.add(other.id);
        }
        changed();
      },
    },
    'only',
  );
  const name = element('label', { htmlFor: box.id, title: run.folder }, swatch(run), run.title);
  const about = [
    run.name === run.title ? null : run.name,
    run.parameters === null ? null : `${short(run.parameters)} parameters`,
    run.device,
  ];
  const path = element('span', { className: 'path' }, about.filter(Boolean).join(' · '));
  const head = element('th', { scope: 'row' }, box, name, runs.length > 1 ? only : null, path, problemOf(run));
  const cells = [
    ...options.map((key) => element('td', { className: 'option' }, run.options[key] || '–')),
    element('td', {}, progressOf(run)),
    ...shown.map(([, cell]) => element('td', {}, cell(run))),
    element('td', {}, splitOf(run)),
  ];
  return element(
    'tr',
    {
      className: isShown(run) ? '' : 'off',
      data: { run: run.id },
      onmouseenter: () => focus(run.id),
      onmouseleave: () => focus(null),
    },
    head,
    ...cells,
  );
}

const problemOf = ({ problem }) => (problem === null ? null : element('span', { className: 'problem' }, problem));

function progressOf(run) {
  const { state, step, totalSteps, seconds, remaining, silentSeconds, reason, error, warnings } = run;
  const told = {
    running: remaining === null ? `${duration(seconds)}` : `${duration(remaining)} left`,
    silent: `silent for ${duration(silentSeconds)}`,
    ended: error === null ? ended(reason) : `failed: ${error}`,
    empty: 'begins',
  }[state];
  const steps = totalSteps === null ? `step ${whole(step)}` : `${whole(step)} / ${whole(totalSteps)}`;
  const bar = element('progress', {
    max: totalSteps ?? 1,
    value: totalSteps === null ? 0 : Math.min(step, totalSteps),
  });
  bar.hidden = totalSteps === null;
  const warned =
    warnings === 0
      ? null
      : element('span', { className: 'warned' }, ` · ${whole(warnings)} warning${warnings === 1 ? '' : 's'}`);
  return element(
    'div',
    { className: 'progress', data: { state: reason === 'failed' ? 'failed' : state } },
    element('span', {}, steps),
    bar,
    element('span', { className: 'told' }, told, warned),
  );
}

/** A bar whose parts are those of a step. */
function splitOf({ split }) {
  if (split === null) return '–';
  const total = stepParts.reduce((sum, [part]) => sum + split[part], 0);
  const share = (part) => Math.round((100 * split[part]) / (total || 1));
  const parts = stepParts.map(([part, color]) =>
    element('i', { style: { width: `${share(part)}%`, background: `var(${color})` } }),
  );
  const words = stepParts.map(([part]) => `${part} ${share(part)} %`).join(', ');
  return element(
    'div',
    { className: 'split', title: words },
    element('span', {}, duration(total)),
    element('span', { className: 'parts', role: 'img', ariaLabel: words }, ...parts),
  );
}
