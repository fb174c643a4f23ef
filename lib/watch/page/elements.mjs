/** Makes elements. Texts become text nodes and never markup, whatever a run's files hold. */

/** @param properties of the element; `style` and `data` as objects, `on…` as listeners */
export function element(tag, { style, data, ...properties } = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  for (const [name, value] of Object.entries(style ?? {})) made.style.setProperty(name, value);
  Object.assign(made.dataset, data);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** The page's colours in the order in which runs get them. */
const colors = [2, 1, 4, 3, 6, 5, 7, 8, 0];
/** The colour of a run, everywhere; from the tenth on they come again, with dashes. */
export const colorOf = (run) => `--c${colors[(Number(run.id) - 1) % colors.length]}`;
export const isDashed = (run) => Math.floor((Number(run.id) - 1) / colors.length) % 2 === 1;

export const swatch = (run) =>
  element('span', {
    className: isDashed(run) ? 'swatch dashed' : 'swatch',
    style: { color: `var(${colorOf(run)})`, background: `var(${colorOf(run)})` },
  });

/** The parts of a step, with their colours. */
export const stepParts = [
  ['data', '--c5'],
  ['forward', '--c2'],
  ['backward', '--c1'],
  ['optimizer', '--c4'],
];
