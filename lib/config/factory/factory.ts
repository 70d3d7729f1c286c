import { KindError } from "../errors";
import { NotImplementedError } from "../python-errors";
import { type KindClass, lookupKind, notImplementedMessage } from "../registry";
import { isConfig } from "../schema/config-class";
import { isMapping } from "../schema/custom-type";
import { plainMappings } from "../schema/plain-mappings";
import { validateConfig } from "../schema/validate";
import { construct } from "./construct";

/** What an object gets besides its config: `{ trainer, model, … }`, the constructor's second argument. */
export type Dependencies = Readonly<Record<string, unknown>>;

/** A class or function that waits for its arguments. */
export type Partial = KindClass;

/** The class of a kind. */
function classOf(kind: unknown): KindClass {
  if (typeof kind !== "string")
    throw new KindError(String(kind), `expected a class name in "kind", received ${String(kind)}`);
  const target = lookupKind(kind).class;
  if (!target)
    throw new KindError(kind, notImplementedMessage(kind) ?? `"${kind}" has no class, only the schema of its config`);
  return target;
}

/**
 * Builds objects from configs. A class gets its config first and everything else in
 * one object: `new CheckpointCallback(config, { trainer, model })`.
 */
export class Factory {
  private readonly returnsPartials: boolean;

  /** @param options.returnsPartials - hand classes out instead of constructing them */
  constructor({ returnsPartials = false }: { returnsPartials?: boolean } = {}) {
    this.returnsPartials = returnsPartials;
  }

  /**
   * Null and `{}` give null; a validated config or a mapping with `kind` is instantiated; a class is constructed with
   * the dependencies; any other object is taken as it is.
   */
  create(given: unknown, dependencies: Dependencies = {}): unknown {
    const target = isConfig(given) ? given : plainMappings(given);
    if (target === null || target === undefined) return null;
    if (isConfig(target)) return this.instantiate(target, dependencies);
    if (isMapping(target)) return Object.keys(target).length === 0 ? null : this.fromMapping(target, dependencies);
    if (this.returnsPartials || typeof target !== "function") return target;
    return construct(target as KindClass, [dependencies]);
  }

  /** Each item of a list, or each value of a mapping; null gives an empty list. */
  createList(given: unknown, dependencies: Dependencies = {}): unknown[] {
    const collection = plainMappings(given);
    if (collection === null || collection === undefined) return [];
    if (Array.isArray(collection)) return collection.map((item) => this.create(item, dependencies));
    if (isMapping(collection)) return Object.values(collection).map((item) => this.create(item, dependencies));
    throw new NotImplementedError(`expected a list or mapping of configs, received a ${typeof collection}`);
  }

  /** Each value of a mapping under its key; null gives an empty mapping. */
  createDict(given: unknown, dependencies: Dependencies = {}): Record<string, unknown> {
    const collection = plainMappings(given);
    if (collection === null || collection === undefined) return {};
    if (!isMapping(collection))
      throw new NotImplementedError(`expected a mapping of configs, received a ${typeof collection}`);
    return Object.fromEntries(Object.entries(collection).map(([key, item]) => [key, this.create(item, dependencies)]));
  }

  /**
   * The class of `config.kind`, constructed with the config and the dependencies.
   *
   * @throws KindError for an unknown kind, with the nearest names
   */
  instantiate(config: unknown, dependencies: Dependencies = {}): unknown {
    const target = classOf((config as { kind?: unknown } | null)?.kind);
    return construct(target, [config, dependencies]);
  }

  /** A mapping that is not validated yet: through the schema of its kind where there is one, else as named arguments. */
  private fromMapping({ kind, ...rest }: Record<string, unknown>, dependencies: Dependencies): unknown {
    const target = classOf(kind);
    const { schema } = lookupKind(kind as string);
    if (schema) return construct(target, [validateConfig(schema, { kind, ...rest }), dependencies]);
    return construct(target, [{ ...rest, ...dependencies }]);
  }
}
