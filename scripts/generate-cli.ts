/**
 * Writes docs/cli.md: what every command prints with --help.
 *
 *     tsx scripts/generate-cli.ts [--check]
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { format, resolveConfig } from "prettier";
import { writeOrCheck } from "./write-or-check";

const root = join(__dirname, "..");
const PAGE = "docs/cli.md";

/** The others are those below `noether-ts` by another name: `noether-data` is `noether-ts data`. */
const COMMANDS = ["noether-ts", "noether-train", "noether-eval"];

/** The command, what it prints, and its subcommands. */
interface Command {
  readonly words: readonly string[];
  readonly help: string;
}

function helpOf([name, ...words]: readonly string[]): string {
  const script = join(root, "lib", "cli", `${name}.ts`);
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--import", "tsx", script, ...words, "--help"], {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" },
  });
  if (status !== 0) throw new Error(`${[name, ...words].join(" ")} --help ended with ${status}: ${stderr}`);
  return stdout.trimEnd().replaceAll(root, "node_modules/noether-ts");
}

/** A command and those that its help lists, where that asks for a command. */
function collect(words: readonly string[], seen: Set<string> = new Set()): Command[] {
  const help = helpOf(words);
  // an alias, such as noether-ts data, and a word that is none
  if (seen.has(help)) return [];
  seen.add(help);
  const own = { words, help };
  if (!/^Usage: .*\bCOMMAND\b/.test(help)) return [own];
  const names = [...help.matchAll(/^ {2}([a-z][a-z0-9-]*) {2,}\S/gm)].map(([, name]) => name!);
  return [own, ...names.filter((name) => name !== "setup").flatMap((name) => collect([...words, name], seen))];
}

async function main(): Promise<void> {
  const seen = new Set<string>();
  const commands = COMMANDS.flatMap((name) => collect([name], seen));
  const text = [
    "# Commands and their options",
    "Written by `npm run generate` from what each command prints with `--help`. [commands.md](commands.md) explains them with examples.",
    ...commands.map(({ words, help }) => `## \`${words.join(" ")}\`\n\n\`\`\`text\n${help}\n\`\`\``),
  ].join("\n\n");
  const formatted = await format(`${text}\n`, { ...(await resolveConfig(join(root, PAGE))), parser: "markdown" });
  writeOrCheck(PAGE, formatted);
}

void main();
