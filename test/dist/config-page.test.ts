import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { packageRoot, runCli } from "./cli/run-cli";

/** The project is on the first page, what is done with its runs on the second. */
const pages = ["config.md", "runs.md"].map((name) => readFileSync(join(packageRoot, "docs", name), "utf8"));
const blocks = [...pages.join("\n").matchAll(/```(\w*)\n([\s\S]*?)```/g)].map((match) => ({ language: match[1]!, text: match[2]! }));
/** Words of a shell line; quotes hold a word together, a comment ends it. */
const words = (line: string) =>
  [...line.replace(/\s+#.*$/, "").matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2]!);
const commands = blocks
  .filter(({ language }) => language === "")
  .flatMap(({ text }) => text.trim().split("\n"))
  .filter((line) => line.startsWith("noether-") && !line.includes("2026-01-31_x7k2p"));

let project: string;
beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), "noether-page-"));
  for (const { text } of blocks) {
    const file = /^(?:#|\/\/) (\S+\.(?:yaml|ts))\n/.exec(text)?.[1];
    if (!file) continue;
    mkdirSync(dirname(join(project, file)), { recursive: true });
    // a package comment only counts on the first lines, so the file's name goes
    writeFileSync(join(project, file), text.slice(text.indexOf("\n") + 1));
  }
});
afterAll(() => rmSync(project, { recursive: true }));

const run = (line: string) => {
  const [command, ...args] = words(line);
  return runCli(command as "noether-train", args, project);
};

test("the pages have a project and commands", () => {
  expect(commands.length).toBeGreaterThan(6);
});

test.each(commands)("%s", (line) => {
  const { code, stderr } = run(line);
  expect({ code, stderr }).toMatchObject({ code: 0 });
});

test("choices and overrides come to what the pages say", () => {
  const show = (...args: string[]) => run(`noether-train configs/train.yaml ${args.join(" ")} --cfg job --resolve`).stdout;
  expect(show("+experiment=wide")).toMatch(/^ {2}width: 64$[\s\S]*^name: wide$/m);
  expect(show("+experiment=wide")).toContain("max_epochs: 3");
  expect(show("+experiment=wide", "model=small")).toContain("  width: 16\n");
  expect(show("model.optimizer_config.lr=1e-4").match(/lr: 0\.0001/g)).toHaveLength(2);
  expect(show("trainer.callbacks.0.every_n_epochs=5")).toContain("every_n_epochs: 5");
  expect(show("+seed=1", "++name=x", "~trainer.callbacks")).not.toContain("callbacks");
});
