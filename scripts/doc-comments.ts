/** Doc comments of the keys of a type, as descriptions of the JSON Schema that describes the same. */
import path from 'node:path';

import ts from 'typescript';

import type { JsonSchema } from './study-schema';

const root = path.resolve(__dirname, '..');

/** The types that files of lib/ export. */
export class Types {
  readonly #program: ts.Program;
  readonly #checker: ts.TypeChecker;

  constructor(files: readonly string[]) {
    const host = { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => {} };
    const { options } = ts.getParsedCommandLineOfConfigFile(path.join(root, 'tsconfig.json'), {}, host)!;
    this.#program = ts.createProgram(
      files.map((file) => path.join(root, file)),
      options,
    );
    this.#checker = this.#program.getTypeChecker();
  }

  type(file: string, name: string): ts.Type {
    const module = this.#checker.getSymbolAtLocation(this.#program.getSourceFile(path.join(root, file))!)!;
    const symbol = this.#checker.getExportsOfModule(module).find((exported) => exported.name === name)!;
    return this.#checker.getDeclaredTypeOfSymbol(symbol);
  }

  /** Puts each key's doc comment into the schema, at every depth. */
  describe(schema: JsonSchema, type: ts.Type): void {
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      if (typeof property !== 'object') continue;
      const symbol = this.#property(type, name);
      if (!symbol) continue;
      const text = ts.displayPartsToString(symbol.getDocumentationComment(this.#checker)).replace(/\s+/g, ' ');
      if (text !== '') property.description ??= text;
      this.describe(property, this.#checker.getTypeOfSymbol(symbol));
    }
    const alternatives = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), schema.then, schema.else];
    for (const alternative of alternatives) if (isSchema(alternative)) this.describe(alternative, type);
    const { items, additionalProperties } = schema;
    for (const [inner, kind] of [
      [items, ts.IndexKind.Number],
      [additionalProperties, ts.IndexKind.String],
    ] as const) {
      const element = this.#members(type).map((member) => this.#checker.getIndexTypeOfType(member, kind));
      const found = element.find((one) => one !== undefined);
      if (isSchema(inner) && found) this.describe(inner, found);
    }
  }

  /** A key of a type; of a union, the one that says something. */
  #property(type: ts.Type, name: string): ts.Symbol | undefined {
    const found = this.#members(type).flatMap((member) => this.#checker.getPropertyOfType(member, name) ?? []);
    return found.find((symbol) => symbol.getDocumentationComment(this.#checker).length > 0) ?? found[0];
  }

  #members(type: ts.Type): ts.Type[] {
    const some = this.#checker.getNonNullableType(type);
    return some.isUnion() ? some.types : [some];
  }
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
