/**
 * Which of the seven residual streams a decoder uses, and by what names people call them.
 *
 * A variant is one value of a sum type, `site` x `weights` or `'none'`, and not a class: Methods 1, 3.1, 3.2 recompute the earlier
 * layers' MLPs, Methods 2, 4.1, 4.2 their attentions; the outputs are summed, averaged, or mixed by learned weights.
 */
import { ConfigError } from '../errors';

export const sites = ['none', 'mlp', 'attention'] as const;
export const weightings = ['sum', 'mean', 'learned'] as const;

/** Where earlier layers are recomputed. */
export type Site = (typeof sites)[number];
/** How the recomputed outputs are weighted. */
export type Weighting = (typeof weightings)[number];

export type ResidualVariant = { site: 'none' } | { site: Exclude<Site, 'none'>; weights: Weighting };

/** The canonical names, in the order of tables. */
export const variantNames = ['baseline', '1', '2', '3.1', '3.2', '4.1', '4.2'] as const;
export type VariantName = (typeof variantNames)[number];

const variantByName: Record<VariantName, ResidualVariant> = {
  baseline: { site: 'none' },
  '1': { site: 'mlp', weights: 'sum' },
  '2': { site: 'attention', weights: 'sum' },
  '3.1': { site: 'mlp', weights: 'mean' },
  '3.2': { site: 'mlp', weights: 'learned' },
  '4.1': { site: 'attention', weights: 'mean' },
  '4.2': { site: 'attention', weights: 'learned' },
};

/** `method3-1-v3`, `Method 3.1`, `m3.1`, `3.1`, `3-1` all name the same thing. */
const methodPattern = /^(?:method|m)?[ _-]?([1-4](?:[.-][12])?)(?:-v3)?$/;

function canonicalName(text: string): VariantName | undefined {
  const lower = text.trim().toLowerCase();
  if (lower === 'baseline' || lower === 'llama' || lower === 'none') return 'baseline';
  const name = methodPattern.exec(lower)?.[1]?.replace('-', '.');
  return variantNames.find((known) => known === name);
}

/**
 * The variant of a name: `'baseline'` (also `'llama'`, `'none'`), `'1'` ... `'4.2'` (also as a number, as YAML reads them), `'m3.1'`,
 * `'Method 3.1'`, and the `model_type` strings `'method1-v3'` ... `'method4-2-v3'`.
 *
 * @throws ConfigError for any other name.
 */
export function parseVariant(name: string | number): ResidualVariant {
  const known = canonicalName(String(name));
  if (known === undefined) {
    throw new ConfigError(
      `"${name}" names no residual variant. Known are ${variantNames.join(', ')} and the aliases m1 ... m4.2, method1-v3 ... method4-2-v3, llama.`,
    );
  }
  return variantByName[known];
}

/** The canonical name of a variant, the inverse of `parseVariant`. `weights` means nothing where the site is `'none'`. */
export function variantName(variant: { site: Site; weights?: Weighting }): VariantName {
  const found = variantNames.find((name) => {
    const known = variantByName[name];
    return known.site === variant.site && (known.site === 'none' || known.weights === variant.weights);
  });
  if (found === undefined) throw new ConfigError(`There is no residual variant ${JSON.stringify(variant)}.`);
  return found;
}

/** The name for tables and headings: `Baseline`, `Method 3.2`. */
export function variantTitle(variant: { site: Site; weights?: Weighting }): string {
  const name = variantName(variant);
  return name === 'baseline' ? 'Baseline' : `Method ${name}`;
}
