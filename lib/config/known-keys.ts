/** For an unknown key: which keys the schema knows in its place, and which of them was probably meant. */
import { z } from 'zod';

import { editDistance } from '../edit-distance';

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** Keys that `schema` knows at `path`, those of all alternatives together. */
export function knownKeys(schema: z.ZodType, path: readonly string[]): string[] {
  const root = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  const places = path.reduce((nodes, name) => nodes.flatMap((node) => children(root, node, name)), [root]);
  const names = places
    .flatMap((node) => alternatives(root, node))
    .flatMap((node) => Object.keys(node.properties ?? {}));
  return [...new Set(names)];
}

/** What a node stands for: itself, what it refers to, and the branches of its unions. */
function alternatives(root: JsonSchema, node: JsonSchema): JsonSchema[] {
  const referred = node.$ref === undefined ? [] : [refersTo(root, node.$ref)];
  const branches = [...(node.anyOf ?? []), ...(node.oneOf ?? []), ...(node.allOf ?? [])] as JsonSchema[];
  return [node, ...[...referred, ...branches].flatMap((inner) => alternatives(root, inner))];
}

function refersTo(root: JsonSchema, reference: string): JsonSchema {
  const name = /^#\/\$defs\/(.+)$/.exec(reference)?.[1];
  return name === undefined ? root : (root.$defs?.[name] ?? {});
}

function children(root: JsonSchema, node: JsonSchema, name: string): JsonSchema[] {
  return alternatives(root, node)
    .map((inner) => inner.properties?.[name] ?? inner.additionalProperties ?? inner.items)
    .filter((child): child is JsonSchema => typeof child === 'object' && !Array.isArray(child));
}

/** The key that was probably meant: the nearest by edits, `learning_rate` being the same as `learningRate`. */
export function nearestKey(key: string, known: readonly string[]): string | undefined {
  const bare = (name: string) => name.replace(/[-_\s]/g, '').toLowerCase();
  const ranked = known
    .map((name) => ({ name, distance: editDistance(bare(key), bare(name)) }))
    .sort((a, b) => a.distance - b.distance);
  const [best] = ranked;
  return best && best.distance <= Math.max(1, Math.floor(best.name.length / 3)) ? best.name : undefined;
}
