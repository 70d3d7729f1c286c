/** `noether-ts schema`: the JSON schema of configs, for editors. */
import { UsageError } from "./hydra-arguments";
import { commandLine, flag, printHelp, readCommandLine, text } from "./options";

const COMMAND = commandLine({
  usage: ["noether-ts schema [KIND] [--output FILE]", "noether-ts schema [KIND] --keys", "noether-ts schema --list"],
  about: `Prints the JSON schema (draft 7) of a run's config, or of the config of one
kind: noether.core.callbacks.CheckpointCallback. Editors complete and check YAML
with it; the first line of the file says so:

  # yaml-language-server: $schema=./noether.schema.json`,
  sections: [
    {
      options: {
        output: text({ short: "o", value: "FILE", does: "write it there" }),
        keys: flag({ does: "the keys as a list to read" }),
        list: flag({ does: "the kinds that have a schema" }),
      },
    },
  ],
  end: "Exit codes: 0 done, 2 bad usage.",
});

export async function schema(args: readonly string[]): Promise<number> {
  const read = readCommandLine(COMMAND, args);
  if (read === "help") return printHelp(COMMAND);
  const { values, words } = read;
  if (words.length > 1) throw new UsageError(`expected one kind, got ${words.join(" ")}`);
  if (values.list && (words.length > 0 || values.keys || values.output !== undefined))
    throw new UsageError("expected --list alone: it prints the kinds");
  if (values.keys && values.output !== undefined) throw new UsageError("expected --keys or --output, got both");
  // only now, so that a mistake shows at once; with extension, since a built file imports it natively
  const { runSchema } = await import("./run-schema.js");
  return runSchema(words[0] ?? null, { list: values.list, keys: values.keys, output: values.output ?? null });
}
