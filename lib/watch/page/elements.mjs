/** Makes elements. Texts become text nodes and never markup, whatever a run's files hold. */

/** @param properties of the element; `style` and `data` as objects, `on…` as listeners */
export function element(tag, { style, data, ...properties } = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  for (const [name, value] of Object.entries(style ?? {})) made.style.setProperty(name, value);
  Object.assign(made.dataset, data);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** The colour of a run, everywhere; from the tenth on they come again, with dashes. */
export const colorCount = 9;
export const colorOf = (run) => `--c${(Number(run.id) - 1) % colorCount}`;
export const isDashed = (run) => Math.floor((Number(run.id) - 1) / colorCount) % 2 === 1;

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
