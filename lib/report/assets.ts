/** Styles and scripts that pages with curves have in common. */
import fs from 'node:fs';
import path from 'node:path';

import { chartStyle } from './charts';
import { colorVariables } from './colors';

const page = (name: string) => fs.readFileSync(path.join(__dirname, 'page', name), 'utf8');
const uplot = (name: string) => fs.readFileSync(require.resolve(`uplot/dist/${name}`), 'utf8');

/** Colours, type, tables, figures. */
export const baseStyle = () =>
  [colorVariables(':root'), uplot('uPlot.min.css'), chartStyle, page('style.css')].join('\n');

/** What draws interactive curves, in the order in which it must run. */
export const plotScripts = () => [uplot('uPlot.iife.min.js'), page('plot.js')];

/** Makes a report's curves interactive. */
export const reportScript = () => page('script.js');
