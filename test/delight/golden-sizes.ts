/** The reference's own counts: every block's sizes, parameters and multiply-adds of its named models. */
import golden from '../fixtures/delight/macs_params.json';

export type GltRow = [inFeatures: number, outFeatures: number, groups: number];

export interface GoldenBlock {
  block: number;
  depth: number;
  width_multiplier: number;
  max_features: number;
  groups: number[];
  glt: GltRow[];
  input_layer: [number, number];
  output_layer: [number, number];
  params: number;
}

export interface GoldenComponent {
  macs: number;
  params: number;
  macs_attn: number;
  emb_macs: number;
  emb_params: number;
}

export interface GoldenArchitecture {
  vocab: number | [number, number];
  d_m?: number;
  args: Record<string, unknown>;
  num_parameters_unique: number;
  max_groups?: { emb: number; enc?: number; dec: number };
  embedding_glt?: GltRow[];
  encoder_blocks?: GoldenBlock[];
  decoder_blocks?: GoldenBlock[];
  per_component_T1_S1?: Record<string, GoldenComponent>;
  per_component_T1?: Record<string, GoldenComponent>;
  single_pass_macs_tgt_len_480?: number;
  single_pass_macs_tgt_len_512?: number;
  stats: Record<
    string,
    {
      exact_total_macs_sum_over_steps: number;
      exact_params_counted: number;
      encoder_macs: number;
      decoder_macs_one_full_pass_of_tgt_len: number;
      teacher_forced_total: number;
    }
  >;
}

const architectures = golden.architectures as unknown as Record<string, GoldenArchitecture>;

/** Our name of one of the reference's models. */
function ourName(name: string): string {
  const width = /d_m=(\d+)/.exec(name)?.[1];
  const isNarrow = name.endsWith('_issue8');
  const family = name.startsWith('baseline_') ? 'transformer' : 'delight';
  const words = name
    .replace(/^delight_transformer_|^baseline_transformer_/, '')
    .replace(/\/d_m=.*$/, '')
    .replace(/^lm_/, '')
    .replace('/', '-')
    .replace('iwslt_', 'iwslt14_')
    .replaceAll('_', '-');
  return [family, words, ...(width ? [width] : []), ...(isNarrow ? ['w1'] : [])].join('-');
}

/** Every model of the fixture with its name here. */
export const goldenArchitectures: [name: string, golden: GoldenArchitecture][] = Object.entries(architectures).map(
  ([name, entry]) => [ourName(name), entry],
);

/** Millions, to 2 digits, by our name. */
export const publishedParameters: [name: string, millions: number][] = Object.entries(
  golden._about.published_parameters_millions,
).flatMap(([task, counts]) =>
  Object.entries(counts).map(([width, millions]): [string, number] => [
    `delight-${task.replaceAll('_', '-')}-${width}`,
    millions,
  ]),
);
