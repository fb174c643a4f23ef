/** What the shown runs made of the same texts, step by step. */
import { element, swatch } from './elements.mjs';
import { whole } from './format.mjs';

const place = document.getElementById('samples');
const slider = place.querySelector('input');
const output = place.querySelector('output');
const list = place.querySelector('.samples');
const fetched = new Map();
/** The step that the reader chose; null follows the runs. */
let chosen = null;
let steps = [];
let shown = [];

slider.addEventListener('input', () => {
  const index = Number(slider.value);
  chosen = index === steps.length - 1 ? null : steps[index];
  void draw();
});

/** @param runs the shown ones */
export function showSamples(runs) {
  shown = runs.filter(({ sampled }) => sampled.length > 0);
  place.hidden = shown.length === 0;
  steps = [...new Set(shown.flatMap(({ sampled }) => sampled))].sort((a, b) => a - b);
  if (!place.hidden) void draw();
}

async function draw() {
  const step = chosen ?? steps.at(-1);
  slider.max = steps.length - 1;
  slider.value = chosen === null ? steps.length - 1 : steps.indexOf(chosen);
  slider.parentElement.hidden = steps.length < 2;
  output.textContent = whole(step);
  const drawn = shown;
  const texts = await Promise.all(drawn.map((run) => samplesAt(run, step)));
  if (drawn !== shown || step !== (chosen ?? steps.at(-1))) return;
  const bySource = new Map();
  drawn.forEach((run, index) => {
    for (const { source, reference, text } of texts[index]) {
      if (!bySource.has(source)) bySource.set(source, { reference, lines: [] });
      bySource.get(source).lines.push([run, text]);
    }
  });
  list.replaceChildren(
    ...[...bySource].flatMap(([source, { reference, lines }]) => [
      element('blockquote', {}, source),
      element(
        'dl',
        {},
        ...(reference === null ? [] : [element('dt', {}, 'Reference'), element('dd', {}, reference)]),
        ...lines.flatMap(([run, text]) => [
          element('dt', {}, swatch(run), run.title),
          element('dd', {}, text.trim() === '' ? '(blank)' : text),
        ]),
      ),
    ]),
  );
}

/** The last ones of a run up to a step. */
async function samplesAt(run, step) {
  const own = run.sampled.findLast((sampled) => sampled <= step);
  if (own === undefined) return [];
  const key = `${run.id} ${own}`;
  if (!fetched.has(key)) {
    const response = await fetch(`/api/samples?run=${run.id}&step=${own}`).catch(() => undefined);
    if (!response?.ok) return [];
    fetched.set(key, (await response.json()).samples);
    if (fetched.size > 400) fetched.delete(fetched.keys().next().value);
  }
  return fetched.get(key);
}
