/** Colours of figures, for light and dark pages alike. */
import type { Contender } from './report';

/** Told apart by most eyes (after Okabe and Ito), each for light and for dark backgrounds. */
const palette: readonly (readonly [light: string, dark: string])[] = [
  ['#4b5563', '#b6bfcc'],
  ['#d55e00', '#ff9248'],
  ['#0072b2', '#56a9f0'],
  ['#b5476f', '#ef8bb4'],
  ['#007d5c', '#35c99b'],
  ['#8a6d00', '#e2bf3a'],
  ['#6a4fc4', '#a996ff'],
  ['#a3322b', '#f1776e'],
  ['#20808d', '#5fd0dd'],
];

export const colorCount = palette.length;

/** The variable that holds a contender's colour. */
export const colorOf = ({ color }: Pick<Contender, 'color'>) => `var(--c${color % colorCount})`;

const variables = (place: 0 | 1) => palette.map((pair, index) => `--c${index}:${pair[place]}`).join(';');
const page = {
  light:
    '--text:#1c2430;--muted:#5b6675;--line:#d9dee5;--grid:#e8ebf0;--paper:#ffffff;--panel:#f6f7f9;--heat:#0072b2;--accent:#0b63b5',
  dark: '--text:#e6eaf0;--muted:#9aa6b5;--line:#333c48;--grid:#29313b;--paper:#14181e;--panel:#1b2129;--heat:#56a9f0;--accent:#7cb8ff',
};

/**
 * The variables of a page or of a figure by itself: light, and dark where the reader's system is, unless an attribute `data-theme` of a page says
 * which.
 */
export const colorVariables = (selector: string) =>
  `${selector}{color-scheme:light dark;${page.light};${variables(0)}}` +
  `@media (prefers-color-scheme:dark){${selector}:not([data-theme=light]){${page.dark};${variables(1)}}}` +
  `${selector}[data-theme=light]{color-scheme:light}` +
  `${selector}[data-theme=dark]{color-scheme:dark;${page.dark};${variables(1)}}`;
