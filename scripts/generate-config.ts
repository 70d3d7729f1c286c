/**
 * Writes what the comments above the fields of config classes say, so that JSON schemas and help have it, too; and from the
 * schemas the keys that the help of commands lists, which is printed without loading them.
 *
 *     tsx scripts/generate-config.ts [--check]
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { format, resolveConfig } from "prettier";
import ts from "typescript";
import { writeOrCheck } from "./write-or-check";

const root = join(__dirname, "..");
const DESCRIPTIONS = "lib/config/schema/field-descriptions.generated.ts";
const KEYS = "lib/cli/config-keys.generated.ts";

type Descriptions = Map<string, Record<string, string>>;

/** `defineConfig("Name", { fields: { … } })` and `Parent.extend("Name", { … })`. */
function collect(node: ts.Node, source: ts.SourceFile, into: Descriptions): void {
  if (ts.isCallExpression(node)) {
    const name = /(^defineConfig|\.extend)$/.test(node.expression.getText(source)) ? node.arguments[0] : undefined;
    const options = node.arguments[1];
    if (name && ts.isStringLiteral(name) && options && ts.isObjectLiteralExpression(options)) {
      const fields = options.properties.find((each) => each.name?.getText(source) === "fields");
      if (fields && ts.isPropertyAssignment(fields) && ts.isObjectLiteralExpression(fields.initializer))
        into.set(name.text, commentsOf(fields.initializer, source));
    }
  }
  node.forEachChild((child) => collect(child, source, into));
}

function commentsOf(fields: ts.ObjectLiteralExpression, source: ts.SourceFile): Record<string, string> {
  const texts = fields.properties.flatMap((field) => {
    const [range] = (ts.getLeadingCommentRanges(source.text, field.pos) ?? []).slice(-1);
    const comment = range === undefined ? "" : source.text.slice(range.pos, range.end);
    return field.name && comment.startsWith("/**") ? [[field.name.getText(source), plain(comment)]] : [];
  });
  return Object.fromEntries(texts) as Record<string, string>;
}

/** The text of a comment on one line. */
function plain(comment: string): string {
  return comment
    .replace(/^\/\*\*|\*\/$/g, "")
    .replace(/^\s*\* ?/gm, "")
    .replace(/\{@link (\w+)\}/g, "$1")
    .replaceAll("`", "")
    .replaceAll("**", "")
    .replace(/\s+/g, " ")
    .trim();
}

async function write(file: string, text: string): Promise<void> {
  const options = await resolveConfig(join(root, file));
  writeOrCheck(file, await format(text, { ...options, parser: "typescript" }));
}

async function main(): Promise<void> {
  const descriptions: Descriptions = new Map();
  const lib = join(root, "lib");
  for (const file of (readdirSync(lib, { recursive: true }) as string[])
    .filter((name) => name.endsWith(".ts"))
    .sort()) {
    const text = readFileSync(join(lib, file), "utf8");
    if (!/defineConfig\(|\.extend\(/.test(text)) continue;
    const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
    collect(source, source, descriptions);
  }
  const described = [...descriptions].filter(([, fields]) => Object.keys(fields).length > 0);
  described.sort(([a], [b]) => (a < b ? -1 : 1));
  await write(
    DESCRIPTIONS,
    `/** Comments of the fields of config classes. Written by \`npm run generate\`. */\n` +
      `export const FIELD_DESCRIPTIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = ${JSON.stringify(Object.fromEntries(described))};\n`,
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
