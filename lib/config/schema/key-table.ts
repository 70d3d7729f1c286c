/** The keys of a config class in words: what `--help` and `noether-ts schema --keys` print. */
import { z } from "zod";
import { type FieldType, zodType } from "./custom-type";
import { choiceAmong } from "./choice";
import { type AnyConfigClass, type Fields, isConfigClass } from "./config-class";
import { FIELD_DESCRIPTIONS } from "./field-descriptions.generated";
import { elementType, isMappingType, leafKind, literalValues, oneOfTypes } from "./fields";
import { unwrap } from "./unwrap";

/** A key of a config. */
export interface KeyRow {
  readonly key: string;
  /** What stands for its value: `N`, `true|false`. */
  readonly value: string;
  /** What it is, with its default; may be empty. */
  readonly does: string;
}

/** What a key says that every class with a kind has. */
const KIND = "Class to build, by its name.";

/**
 * The description of a field: the comment above it, in its class or the one that first has it. Fields that are made in a loop say it
 * themselves (`describe`).
 *
 * @param commentsOf the comments above the fields of a class
 */
export function describeField(type: AnyConfigClass, key: string, commentsOf = descriptionsOf): string | undefined {
  for (let current: AnyConfigClass | undefined = type; current !== undefined; current = current.parent) {
    const text = commentsOf(current)?.[key];
    if (text !== undefined && text !== "") return text;
  }
  const field = (type.fields as Fields)[key];
  return field === undefined ? undefined : (zodType(field).description ?? (key === "kind" ? KIND : undefined));
}

/** The comments of a class: of several with its name, those whose keys are all its own. */
function descriptionsOf({ configName, fields }: AnyConfigClass): Readonly<Record<string, string>> | undefined {
  const strangers = (each: object): number => Object.keys(each).filter((key) => !(key in fields)).length;
  return FIELD_DESCRIPTIONS[configName]?.toSorted((a, b) => strangers(a) - strangers(b))[0];
}

/** The keys of a class, in the order of its fields. */
export function keyTable(type: AnyConfigClass): KeyRow[] {
  return Object.entries(type.fields as Fields).map(([key, field]) => {
    const text = describeField(type, key) ?? "";
    const notes = [text.replace(/\.$/, ""), ...defaultNote(field, text)].filter((note) => note !== "");
    return { key, value: valueName(field), does: notes.join(" ") };
  });
}

/** A description that tells the default itself needs no second one. */
function defaultNote(field: FieldType, text: string): string[] {
  if (/default|required/i.test(text)) return [];
  if (!zodType(field).safeParse(undefined).success) return ["(required)"];
  if (!(field instanceof z.ZodDefault)) return [];
  const value: unknown = field.def.defaultValue;
  if (value === null || (typeof value === "object" && Object.keys(value as object).length === 0)) return [];
  return [`(default: ${typeof value === "string" ? value : JSON.stringify(value)})`];
}

function valueName(field: FieldType): string {
  const type = unwrap(field) as FieldType;
  const values = literalValues(type);
  if (values !== undefined) return values.join("|");
  const leaf = leafKind(type);
  if (leaf !== undefined) return { integer: "N", number: "NUMBER", string: "TEXT", boolean: "true|false" }[leaf.type];
  const members = oneOfTypes(type);
  if (members !== undefined) return members.map(valueName).join("|");
  if (elementType(type) !== undefined) return isMappingType(type) ? "MAPPING" : "LIST";
  return isConfigClass(type) || choiceAmong(type) !== undefined ? "MAPPING" : "VALUE";
}
