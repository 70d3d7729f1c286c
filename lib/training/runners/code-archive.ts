import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { getLogger } from "../../core/logging";

/** Untracked files above this size are data, not code. */
const LARGEST_UNTRACKED = 1 << 20;

/**
 * Archives the project's code as it is now into `code.tar.gz`: what git tracks with its changes, and small untracked
 * files that git does not ignore. The repository and its index stay as they are.
 *
 * @param codePath - a directory in a git repository
 * @param outputPath - the run directory; nothing below it is archived
 * @returns the archive, or null (with a warning) when there is no git or no repository
 */
export function storeCodeArchive(codePath: string, outputPath: string): string | null {
  const logger = getLogger("code");
  const index = join(tmpdir(), `noether-index-${process.pid}-${Date.now()}`);
  const git = (args: readonly string[], input?: string): string =>
    execFileSync("git", args, {
      cwd: codePath,
      encoding: "utf8",
      input,
      env: { ...process.env, GIT_INDEX_FILE: index },
      stdio: ["pipe", "pipe", "pipe"],
      maxBuffer: 1 << 28,
    });
  try {
    git(["rev-parse", "--is-inside-work-tree"]);
    if (hasCommit(git)) git(["read-tree", "HEAD"]);
    git(["add", "--update", "."]);
    const output = relative(codePath, outputPath);
    const untracked = git(["ls-files", "--others", "--exclude-standard", "-z"])
      .split("\0")
      .filter((file) => file !== "" && (output.startsWith("..") || !`${file}/`.startsWith(`${output}/`)))
      .filter((file) => existsSync(join(codePath, file)) && statSync(join(codePath, file)).size <= LARGEST_UNTRACKED);
    if (untracked.length > 0) git(["update-index", "--add", "-z", "--stdin"], untracked.join("\0"));
    mkdirSync(outputPath, { recursive: true });
    const archive = join(outputPath, "code.tar.gz");
    git(["archive", "-o", archive, git(["write-tree"]).trim()]);
    return archive;
  } catch (error) {
    logger.warning(`cannot store the code in ${outputPath}: ${reasonOf(error)}`);
    return null;
  } finally {
    rmSync(index, { force: true });
  }
}

/** What git says of its failure; otherwise the first line of the error. */
function reasonOf(error: unknown): string {
  const said = (error as { stderr?: unknown }).stderr;
  const text = typeof said === "string" && said.trim() !== "" ? said : error instanceof Error ? error.message : error;
  return String(text).trim().split("\n")[0]!;
}

function hasCommit(git: (args: readonly string[]) => string): boolean {
  try {
    git(["rev-parse", "--verify", "--quiet", "HEAD"]);
    return true;
  } catch {
    return false;
  }
}
