import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { storeCodeArchive } from "../../../lib/training/runners";

describe("the code archive", () => {
  let root: string;
  beforeEach(() => (root = mkdtempSync(join(tmpdir(), "noether-code-"))));
  afterEach(() => rmSync(root, { recursive: true }));
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.org", ...args], {
      cwd: root,
      stdio: "pipe",
    }).toString();

  test("holds tracked files as they are now and small untracked ones, but no data, no output and nothing ignored", () => {
    git("init", "-q");
    writeFileSync(join(root, "tracked.ts"), "old");
    writeFileSync(join(root, ".gitignore"), "ignored\n");
    git("add", ".");
    git("commit", "-q", "-m", "first");
    writeFileSync(join(root, "tracked.ts"), "new");
    writeFileSync(join(root, "untracked.ts"), "x");
    writeFileSync(join(root, "ignored"), "x");
    writeFileSync(join(root, "data.bin"), Buffer.alloc(2 << 20));
    mkdirSync(join(root, "outputs/run"), { recursive: true });
    writeFileSync(join(root, "outputs/run/log.txt"), "x");
    const status = git("status", "--porcelain");

    const archive = storeCodeArchive(root, join(root, "outputs/run"))!;
    expect(execFileSync("tar", ["-tzf", archive]).toString().trim().split("\n").sort()).toEqual([
      ".gitignore",
      "tracked.ts",
      "untracked.ts",
    ]);
    expect(execFileSync("tar", ["-xzOf", archive, "tracked.ts"]).toString()).toBe("new");
    expect(git("status", "--porcelain")).toBe(status);
  });

  test("no repository: a warning and no archive", () => {
    const write = jest.spyOn(process.stderr, "write").mockReturnValue(true);
    expect(storeCodeArchive(root, join(root, "out"))).toBeNull();
    const told = write.mock.calls.join("");
    write.mockRestore();
    expect(told).toMatch(/cannot store the code in .*out: fatal: /);
  });
});
