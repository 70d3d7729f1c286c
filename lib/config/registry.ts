import type { z } from "zod";
import type { FieldType } from "./field-type";
import { KindError } from "./errors";
import { missingKindMessage } from "./missing-kinds";
import { nearestNames } from "./nearest-names";

/**
 * The registry of kinds: which class and which schema a `kind` in a config names.
 *
 * A class carries the schema of its config (`static schema`) and is registered in the same file. Built-ins have the names
 * that configs of the Python framework use (`noether.core.callbacks.CheckpointCallback`, `torch.optim.AdamW`); a user's
 * class is named by its file (`./callbacks/drag.ts#DragCallback`, see `load-kind.ts`) or registered in code.
 */

/** A class or factory function that a config can name. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- constructors of any signature
export type KindClass = (abstract new (...args: any[]) => unknown) | ((...args: any[]) => unknown);

/** What a kind stands for. */
export interface KindEntry {
  /** What the factory constructs. Absent for config classes (`config_schema_kind`), which are only a schema. */
  readonly class?: KindClass;
  /** Validates the mapping that has this kind; the class's static `schema` when left out. */
  readonly schema?: FieldType;
}

/** What {@link register} takes: a class that carries its schema, or the schema of a config that has no class. */
export interface Registration extends KindEntry {
  /** Other names of the same class, e.g. the Python module path. */
  readonly aliases?: readonly string[];
  /** Allows another class under a name that is taken. Default: an error. */
  readonly replace?: boolean;
}

const kinds = new Map<string, KindEntry>();
let later: (() => void)[] = [];

/**
 * @internal Notes what registers further kinds. It is called when somebody asks for a kind that is not known, or for all of them: the
 * built package loads modules of a layer only when they are needed.
 */
export function registerLater(load: () => void): void {
  later.push(load);
}

function registerAll(): void {
  const loads = later;
  later = [];
  for (const load of loads) load();
}

/**
 * Registers a class (and its schema) under a kind.
 *
 * @example `register("tutorial.model.UPT", { class: UPT })`
 * @throws KindError when the name is taken by another class
 */
export function register(kind: string, registration: Registration): void {
  const { aliases = [], replace = false } = registration;
  if (replace) registerAll();
  const entry: KindEntry = {
    class: registration.class,
    schema: registration.schema ?? staticSchema(registration.class),
  };
  for (const name of [kind, ...aliases]) {
    const known = kinds.get(name);
    if (known && !replace && (known.class !== entry.class || known.schema !== entry.schema)) {
      throw new KindError(
        name,
        `expected a new name for kind "${name}", which is already registered; pass { replace: true } to replace it`,
      );
    }
    kinds.set(name, entry);
  }
}

/** A class's own `static schema`, the way user classes declare theirs. */
function staticSchema(target: unknown): FieldType | undefined {
  const schema = (target as { schema?: z.ZodType } | undefined)?.schema;
  return typeof schema?.safeParse === "function" ? schema : undefined;
}

/** The entry of a kind, or undefined. */
export function findKind(kind: string): KindEntry | undefined {
  if (!kinds.has(kind) && !kind.includes("#")) registerAll(); // with "#" it is a user's
  return kinds.get(kind);
}

/** Every registered name, aliases too. */
export function registeredKinds(): string[] {
  registerAll();
  return [...kinds.keys()];
}

/** Why there is none, and what there is instead, for kinds of the Python framework that have no class here, else undefined. */
export function notImplementedMessage(kind: string): string | undefined {
  if (findKind(kind)?.class) return undefined;
  return missingKindMessage(kind, kindsWithClass());
}

/**
 * {@link notImplementedMessage}, `unknown kind "x"; did you mean …`, or how to name a class of your own when nothing is near.
 */
export function unknownKindMessage(kind: string): string {
  const missing = notImplementedMessage(kind);
  if (missing !== undefined) return missing;
  const near = nearestNames(kind, kinds.keys());
  const hint =
    near.length > 0
      ? `did you mean ${near.map((name) => `"${name}"`).join(" or ")}?`
      : "a class of your own is named by its file: ./path/to/file.ts#ClassName";
  return `unknown kind "${kind}"; ${hint}`;
}

function kindsWithClass(): string[] {
  return [...kinds].flatMap(([name, entry]) => (entry.class ? [name] : []));
}

/**
 * The entry of a kind.
 *
 * @throws KindError with the nearest names when it is unknown
 */
export function lookupKind(kind: string): KindEntry {
  const entry = findKind(kind);
  if (!entry) throw new KindError(kind, unknownKindMessage(kind));
  return entry;
}
