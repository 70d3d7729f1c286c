import { findKind, registeredKinds, unknownKindMessage } from "../config/registry";
import { type AnyConfigClass, isConfigClass, jsonSchemaOf, keyTable } from "../config/schema";
// every layer registers its kinds
import "../core";
import "../data";
import "../modeling";
import "../initializers";
import "../inference";
import "../training";
import { ConfigSchema } from "../training/runners/config-schema";
import { replaceFile } from "../io/files/replace-file";
import { EXIT, printResult } from "./command";
import { UsageError } from "./hydra-arguments";
import { keyLines } from "./option-line";

/** Prints or writes the JSON schema (with `keys` the list of keys) of a kind, of a run's config where it is null. Importing this file loads libtorch. */
export async function runSchema(
  kind: string | null,
  { list, keys, output }: { readonly list?: boolean; readonly keys?: boolean; readonly output: string | null },
): Promise<number> {
  if (list) {
    const kinds = registeredKinds().filter((name) => isConfigClass(findKind(name)?.schema));
    printResult(`${kinds.sort().join("\n")}\n`);
    return EXIT.ok;
  }
  const type = kind === null ? ConfigSchema : classOf(kind);
  const text = `${keys ? keyLines(keyTable(type)) : JSON.stringify(jsonSchemaOf(type), null, 2)}\n`;
  if (output === null) printResult(text);
  else await replaceFile(output, text);
  return EXIT.ok;
}

function classOf(kind: string): AnyConfigClass {
  const entry = findKind(kind);
  if (entry === undefined) throw new UsageError(unknownKindMessage(kind));
  if (!isConfigClass(entry.schema)) throw new UsageError(`"${kind}" has no config of named fields: see --list`);
  return entry.schema;
}
