/** The live page: hears what is new, fetches the curves of the runs that have news, and shows them. */
import { Charts } from './charts.mjs';
import { showEvents } from './events.mjs';
import { isShown, showRuns } from './runs.mjs';
import { showSamples } from './samples.mjs';
import { bindSettings, setView, settings, smoothing } from './settings.mjs';

/** Between two rounds of fetching. */
const restMs = 700;
let runs = [];
/** The last view of each run, and what it was asked for with. */
const views = new Map();
let fetching = false;
let stale = false;

const charts = new Charts({
  zoom(view) {
    setView(view);
    draw();
    refresh();
  },
});
const actions = {
  changed() {
    showRuns(runs, actions);
    draw();
    refresh();
  },
  focus: (id) => charts.focus(id),
};

function drawn() {
  return runs.filter((run) => isShown(run) && views.has(run.id)).map((run) => ({ run, view: views.get(run.id).view }));
}

function draw() {
  const all = drawn();
  charts.show(all);
  showEvents(all);
  showSamples(runs.filter(isShown));
}

/** As many points as the widest figure has pixels for. */
const points = () => Math.max(150, Math.min(1200, Math.round(document.getElementById('charts').clientWidth / 2)));

function queryOf({ id }) {
  const extent = Math.max(0, ...runs.filter(isShown).map((run) => run[settings.axis]));
  const query = new URLSearchParams({ run: id, axis: settings.axis, points: points(), smoothing: smoothing(extent) });
  if (settings.view !== null) {
    const [from, to] = settings.view;
    query.set('from', from);
    query.set('to', to);
  }
  return String(query);
}

async function refresh() {
  if (fetching || document.hidden) {
    stale = true;
    return;
  }
  fetching = true;
  stale = false;
  const due = runs.filter((run) => {
    const known = views.get(run.id);
    return isShown(run) && (known?.view.version !== run.version || known.query !== queryOf(run));
  });
  const news = await Promise.all(due.map(fetchView));
  if (news.some(Boolean)) draw();
  setTimeout(() => {
    fetching = false;
    if (stale) void refresh();
  }, restMs);
}

async function fetchView(run) {
  const query = queryOf(run);
  const response = await fetch(`/api/curves?${query}`).catch(() => undefined);
  if (!response?.ok) return false;
  const view = await response.json();
  // The reader may have chosen something else meanwhile.
  if (query !== queryOf(run)) return false;
  views.set(run.id, { query, view });
  return true;
}

function hear({ runs: news, waiting }) {
  runs = news;
  for (const id of views.keys()) if (!runs.some((run) => run.id === id)) views.delete(id);
  const training = runs.filter(({ state }) => state === 'running').length;
  say(
    training > 0 ? 'live' : 'idle',
    training > 0 ? `${training} training` : runs.length > 0 ? 'none training' : 'waiting',
  );
  document.title = runs.length === 1 ? `${runs[0].title} · Torchwright` : 'Torchwright watch';
  const note = document.getElementById('waiting');
  note.hidden = waiting.length === 0;
  note.textContent = `Nothing yet in ${waiting.join(', ')}: what begins there is shown as it comes.`;
  showRuns(runs, actions);
  void refresh();
}

function say(state, text) {
  const status = document.getElementById('status');
  status.dataset.state = state;
  status.textContent = text;
}

bindSettings((what) => {
  if (what === 'theme') return charts.recolor();
  draw();
  if (what === 'data') void refresh();
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => charts.recolor());
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) void refresh();
});
const stream = new EventSource('/api/events');
stream.addEventListener('message', ({ data }) => hear(JSON.parse(data)));
stream.addEventListener('error', () => say('lost', 'no connection'));
