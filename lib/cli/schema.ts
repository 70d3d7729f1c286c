/** `noether-ts schema`: the JSON schema of configs, for editors. */
import { EXIT, printResult } from "./command";
import { UsageError } from "./hydra-arguments";
import { readOptions } from "./read-options";

const HELP = `Usage: noether-ts schema [KIND] [--output FILE]
       noether-ts schema --list

Prints the JSON schema (draft 7) of a run's config, or of the config of one
kind: noether.core.callbacks.CheckpointCallback. Editors complete and check YAML
with it; the first line of the file says so:

  # yaml-language-server: $schema=./noether.schema.json

  -o, --output FILE  write it there
      --list         the kinds that have a schema
  -h, --help

Exit codes: 0 done, 2 bad usage.
`;

export async function schema(args: readonly string[]): Promise<number> {
  const { values, positionals } = readOptions(
    args,
    { help: { type: "boolean", short: "h" }, list: { type: "boolean" }, output: { type: "string", short: "o" } },
    true,
  );
  if (values.help) {
    printResult(HELP);
    return EXIT.ok;
  }
  if (positionals.length > 1) throw new UsageError(`expected one kind, got ${positionals.join(" ")}`);
  // only now, so that a mistake shows at once; with extension, since a built file imports it natively
  const { runSchema } = await import("./run-schema.js");
  return runSchema(positionals[0] ?? null, { list: values.list ?? false, output: values.output ?? null });
}
