/** Warnings, checkpoints, resumptions and ends, the last ones first. */
import { element, swatch } from './elements.mjs';
import { ended, whole } from './format.mjs';

const place = document.getElementById('events');
const list = place.querySelector('ol');
const most = 60;

/** @param drawn `[{ run, view }]` of all shown runs */
export function showEvents(drawn) {
  const all = drawn
    .flatMap(({ run, view }) => view.marks.map((mark) => ({ run, ...mark })))
    .sort((a, b) => b.step - a.step)
    .slice(0, most);
  place.hidden = all.length === 0;
  list.replaceChildren(
    ...all.map(({ run, kind, best, step, text }) =>
      element(
        'li',
        { className: kind },
        swatch(run),
        element('span', { className: 'kind' }, best ? 'best checkpoint' : kind),
        element('span', { className: 'at' }, `step ${whole(step)}`),
        element('span', { className: 'text' }, kind === 'end' ? ended(text) : text),
      ),
    ),
  );
}
