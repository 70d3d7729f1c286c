import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const root = join(__dirname, "..", "..");

test("the README's model runs as printed and learns", () => {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const code = /## You know PyTorch\n\n```ts\n([\s\S]*?)```/.exec(readme)![1]!;
  const folder = mkdtempSync(join(tmpdir(), "readme-"));
  try {
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(root, join(folder, "node_modules", "noether-ts"), "dir");
    writeFileSync(join(folder, "model.mts"), code);
    writeFileSync(join(folder, "tsconfig.json"), "{}"); // not the paths of this project's own
    const tsx = join(dirname(require.resolve("tsx/package.json")), "dist", "cli.mjs");
    const output = execFileSync(process.execPath, [tsx, join(folder, "model.mts")], { cwd: folder, encoding: "utf8" });
    const losses = output.trim().split("\n").map((line) => Number(line.split(" ")[1]));
    expect(losses).toHaveLength(4);
    expect(losses[3]).toBeLessThan(losses[0]! / 2);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("the README's doors have at most 15 lines of commands or code", () => {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const blocks = [...readme.matchAll(/```\w*\n([\s\S]*?)```/g)].map(([, code]) => code!.trim().split("\n").length);
  expect(blocks.length).toBeGreaterThanOrEqual(4);
  expect(blocks.filter((lines) => lines > 15)).toEqual([]);
});
