/** What the reader has chosen; kept by the browser for the next time. */
import { duration, short } from './format.mjs';

const kept = 'torchwright-watch';
const form = document.getElementById('settings');
const themes = ['auto', 'light', 'dark'];

function load() {
  try {
    return JSON.parse(localStorage.getItem(kept)) ?? {};
  } catch {
    return {};
  }
}

/** `axis`: step, seconds or tokens. `smoothing`: a share of what is shown. `view`: the part that is enlarged, or null. */
export const settings = { axis: 'step', slider: 6, log: false, theme: 'auto', view: null, ...load() };
settings.view = null;

/** 1, 2 or 5 times a power of ten, the nearest below. */
function round(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * [5, 2, 1].find((factor) => factor * power <= value * (1 + 1e-9));
}

const units = {
  step: (value) => `${short(value)} steps`,
  seconds: duration,
  tokens: (value) => `${short(value)} tokens`,
};

/**
 * How wide noisy curves are smoothed, on the axis: from nothing to about 8 % of what is shown, on round numbers, so that it changes seldom
 * while runs grow.
 *
 * @param extent of all that is there
 */
export function smoothing(extent) {
  const [from, to] = settings.view ?? [0, extent];
  const width = settings.slider === 0 || to <= from ? 0 : round(0.002 * 1.5 ** (settings.slider - 1) * (to - from));
  const isFelt = settings.axis === 'step' ? width > 1 : width > 0;
  document.getElementById('smoothing-shown').textContent = isFelt ? units[settings.axis](width) : 'off';
  return isFelt ? width : 0;
}

/** Shows the settings, and calls `changed` with what the reader changes: `data` where curves must be fetched anew, else `look`. */
export function bindSettings(changed) {
  const apply = () => {
    document.documentElement.dataset.theme = settings.theme;
    document.getElementById('theme').textContent = `◐ ${settings.theme}`;
  };
  const keep = (what) => {
    localStorage.setItem(kept, JSON.stringify({ ...settings, view: null }));
    apply();
    changed(what);
  };
  form.elements.axis.value = settings.axis;
  form.elements.smoothing.value = settings.slider;
  form.elements.log.checked = settings.log;
  apply();
  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('input', () => {
    const axis = form.elements.axis.value;
    const slider = Number(form.elements.smoothing.value);
    const needsData = axis !== settings.axis || slider !== settings.slider;
    if (axis !== settings.axis) setView(null);
    Object.assign(settings, { axis, slider, log: form.elements.log.checked });
    keep(needsData ? 'data' : 'look');
  });
  document.getElementById('theme').addEventListener('click', () => {
    settings.theme = themes[(themes.indexOf(settings.theme) + 1) % themes.length];
    keep('theme');
  });
  document.getElementById('reset').addEventListener('click', () => {
    setView(null);
    changed('data');
  });
}

/** Enlarges a part of the course; null shows all of it. */
export function setView(view) {
  settings.view = view;
  document.getElementById('reset').hidden = view === null;
}
