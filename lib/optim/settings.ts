/** What the settings of optimisers may be. */
import { inspect } from 'node:util';

import { ArgumentError } from '../errors';

/** Settings that every optimiser has. */
export interface CommonSettings {
  /** Learning rate. */
  lr: number;
  /** Weight decay. Each optimiser says whether it shrinks the weights or is part of the gradient. */
  weightDecay: number;
  /** Climbs instead of descending. */
  maximize: boolean;
}

/** What a setting must be, and how errors say so. */
export interface Rule {
  range: string;
  fits(value: unknown): boolean;
}

/** A rule for each setting. A pair is one setting. */
export type Rules<Settings> = { readonly [Name in keyof Settings]: Rule };

const isFinite = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

export const finite: Rule = { range: 'a finite number', fits: isFinite };
export const fromZero: Rule = {
  range: 'a finite number from 0 on',
  fits: (value) => isFinite(value) && value >= 0,
};
const isBelowOne = (value: unknown) => isFinite(value) && value >= 0 && value < 1;
export const pairBelowOne: Rule = {
  range: 'two numbers from 0 to below 1',
  fits: (value) => Array.isArray(value) && value.length === 2 && value.every(isBelowOne),
};
export const flag: Rule = { range: 'true or false', fits: (value) => typeof value === 'boolean' };

export const commonRules: Rules<CommonSettings> = { lr: fromZero, weightDecay: fromZero, maximize: flag };

/** @throws ArgumentError when a setting is out of its range */
export function checkSettings<Settings extends object>(
  optimizer: string,
  settings: Settings,
  rules: Rules<Settings>,
): void {
  for (const name in rules) {
    const rule = rules[name];
    const value = settings[name];
    if (!rule.fits(value)) {
      throw new ArgumentError(`${optimizer}: ${name} must be ${rule.range}, not ${inspect(value, { depth: 1 })}.`);
    }
  }
}

/** @throws ArgumentError for a name that is no setting, which would go unheard */
export function checkNames(optimizer: string, given: object, rules: object, besides: readonly string[] = []): void {
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(rules, name) || besides.includes(name)) continue;
    throw new ArgumentError(`${optimizer} has no setting ${name}; it has ${Object.keys(rules).join(', ')}.`);
  }
}
