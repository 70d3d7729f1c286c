/**
 * Writes what the comments above the fields of config classes say, so that JSON schemas and help have it, too; and from the
 * schemas the keys that the help of commands lists, which is printed without loading them.
 *
 *     tsx scripts/generate-config.ts [--check]
 */
import { join } from "node:path";
import { format, resolveConfig } from "prettier";
import { readConfigSources } from "./config-sources";
import { writeOrCheck } from "./write-or-check";

const root = join(__dirname, "..");
const DESCRIPTIONS = "lib/config/schema/field-descriptions.generated.ts";
const KEYS = "lib/cli/config-keys.generated.ts";

/** A comment as plain text, for a terminal and an editor. */
const plain = (comment: string): string => comment.replaceAll("`", "").replaceAll("**", "");

async function write(file: string, text: string): Promise<void> {
  const options = await resolveConfig(join(root, file));
  writeOrCheck(file, await format(text, { ...options, parser: "typescript" }));
}

async function main(): Promise<void> {
  const described = [...readConfigSources()]
    .map(([name, sources]): [string, Record<string, string>[]] => [
      name,
      sources.map(({ fields }) =>
        // keys without a comment tell classes of one name apart
        Object.fromEntries(
          [...fields].flatMap(([key, text]) => (text || sources.length > 1 ? [[key, plain(text)]] : [])),
        ),
      ),
    ])
    .filter(([, classes]) => classes.some((fields) => Object.keys(fields).length > 0))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  await write(
    DESCRIPTIONS,
    `/** Comments of the fields of config classes, of each class with a name. Written by \`npm run generate\`. */\n` +
      `export const FIELD_DESCRIPTIONS: Readonly<Record<string, readonly Readonly<Record<string, string>>[]>> = ${JSON.stringify(Object.fromEntries(described))};\n`,
  );
  // only now, as they read what was written
  const { keyTable } = await import("../lib/config/schema/key-table");
  await import("../lib");
  const { ConfigSchema } = await import("../lib/training/runners/config-schema");
  const { BaseTrainerConfig } = await import("../lib/training/trainers/base-trainer-config");
  const { SlurmConfig } = await import("../lib/training/runners/slurm-config");
  const tables = { RUN_KEYS: ConfigSchema, TRAINER_KEYS: BaseTrainerConfig, SLURM_KEYS: SlurmConfig };
  const constants = Object.entries(tables).map(
    ([name, type]) =>
      `/** Keys of ${type.configName}. */\nexport const ${name}: readonly KeyRow[] = ${JSON.stringify(keyTable(type))};\n`,
  );
  await write(
    KEYS,
    `/** Keys that the help of commands lists. Written by \`npm run generate\` from the schemas of configs. */\n` +
      `import type { KeyRow } from "../config/schema/key-table";\n\n${constants.join("\n")}`,
  );
}

void main();
