import { lstatSync, mkdirSync, readlinkSync, realpathSync, symlinkSync, unlinkSync } from "node:fs";
import { randomInt } from "node:crypto";
import { dirname, join, relative, resolve, sep } from "node:path";

import { ValueError } from "../../config/python-errors";
import { getLogger } from "../logging";
import { runPathProblem } from "./run-path";

const ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789";

/** Arguments of {@link PathProvider}. */
export interface PathProviderOptions {
  /** Folder that holds all runs. */
  readonly outputRootPath: string;
  readonly runId: string;
  /** Sub-folder of the run; null or empty: none. */
  readonly stageName?: string | null;
  /** Debug runs live below `debug/`. */
  readonly debug?: boolean;
}

/**
 * Paths of a run: `<output root>/[debug/]<run id>/[<stage>/]`.
 *
 * The getters only build paths. Whoever writes calls {@link PathProvider.ensure} first, so that looking for a run that
 * does not exist leaves nothing behind.
 */
export class PathProvider {
  readonly outputRoot: string;
  readonly runId: string;
  readonly stageName: string | null;
  readonly debug: boolean;

  /** @throws ValueError for a run id or stage that leads out of the output root */
  constructor({ outputRootPath, runId, stageName = null, debug = false }: PathProviderOptions) {
    for (const [what, name] of Object.entries({ "run id": runId, "stage name": stageName || "x" })) {
      const problem = runPathProblem(name);
      if (problem !== null) throw new ValueError(`${what}: ${problem}`);
    }
    this.outputRoot = outputRootPath;
    this.runId = runId;
    this.stageName = stageName;
    this.debug = debug;
  }

  /** Directory of the run and stage. */
  get runOutputPath(): string {
    return join(this.outputRoot, ...(this.debug ? ["debug"] : []), this.runId, this.stageName ?? "");
  }

  /**
   * Follows the symbolic links on the way to {@link runOutputPath}. Creates nothing.
   *
   * @throws ValueError when one leads out of the output root
   */
  refuseEscape(): void {
    const root = realPathOf(this.outputRoot);
    const real = realPathOf(this.runOutputPath);
    if (real !== root && !real.startsWith(root.endsWith(sep) ? root : `${root}${sep}`)) {
      throw new ValueError(
        `expected '${this.runOutputPath}' to be below the output root '${this.outputRoot}', but a symbolic link leads to '${real}': give the folder that it leads to as output root`,
      );
    }
  }

  /** Text log of the run. */
  get logfileUri(): string {
    return join(this.runOutputPath, "log.txt");
  }

  /** Directory of the checkpoints. */
  get checkpointPath(): string {
    return join(this.runOutputPath, "checkpoints");
  }

  /** Directory of what the trackers write locally. */
  get basetrackerPath(): string {
    return join(this.runOutputPath, "tracker");
  }

  get basetrackerConfigUri(): string {
    return join(this.basetrackerPath, "config.yaml");
  }

  /** Metrics of every update, a line each. */
  get trackerMetricsUri(): string {
    return join(this.basetrackerPath, "metrics.jsonl");
  }

  get basetrackerEntriesUri(): string {
    return join(this.basetrackerPath, "entries.th");
  }

  get basetrackerSummaryUri(): string {
    return join(this.basetrackerPath, "summary.yaml");
  }

  /** Creates a directory (and its parents) and returns it. */
  static ensure(directory: string): string {
    mkdirSync(directory, { recursive: true });
    return directory;
  }

  /**
   * Provider for another run below the same output root. The stage is taken as given, never inherited. A debug run looks
   * for runs that are not debug runs first, then among the debug runs.
   */
  withRun(runId: string | null = null, stageName: string | null = null): PathProvider {
    const find = (debug: boolean): PathProvider =>
      new PathProvider({ outputRootPath: this.outputRoot, runId: runId ?? this.runId, stageName, debug });
    const plain = find(false);
    return this.debug && !isThere(plain.runOutputPath) ? find(true) : plain;
  }

  /** Local date and five random characters: `2026-01-31_x7k2p`. */
  static generateRunId(now: Date = new Date(), random: (below: number) => number = randomInt): string {
    const two = (value: number): string => String(value).padStart(2, "0");
    const suffix = Array.from({ length: 5 }, () => ALPHABET[random(ALPHABET.length)]).join("");
    return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}_${suffix}`;
  }

  /**
   * Leaves a symbolic link `ancestor` to the run that this one continues. An older link is replaced. Where links are not
   * possible a warning is logged and the run continues. Call it in the first process only.
   */
  link(ancestor: PathProvider): void {
    if (ancestor.outputRoot === this.outputRoot && ancestor.runId === this.runId) {
      return;
    }
    const link = join(PathProvider.ensure(this.runOutputPath), "ancestor");
    const target = resolve(ancestor.runOutputPath);
    try {
      if (isLink(link)) {
        if (readlinkSync(link) === target) return;
        unlinkSync(link);
      }
      symlinkSync(target, link, "dir");
    } catch (error) {
      getLogger("PathProvider").warning(`cannot link '${link}' to the run that is continued: ${String(error)}`);
    }
  }
}

/** The path with its symbolic links resolved, also those whose target does not exist (yet). */
function realPathOf(path: string, links = 0): string {
  const absolute = resolve(path);
  try {
    return realpathSync(absolute);
  } catch {
    if (links > 40) return absolute; // links in a circle: whoever opens it gets the system's error
    if (isLink(absolute)) return realPathOf(resolve(dirname(absolute), readlinkSync(absolute)), links + 1);
    const parent = dirname(absolute);
    return parent === absolute ? absolute : join(realPathOf(parent, links), relative(parent, absolute));
  }
}

function isThere(path: string): boolean {
  try {
    realpathSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Also true of a link whose target is gone. */
function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}
