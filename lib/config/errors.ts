/**
 * Errors of everything above the torch layer.
 *
 * One sentence shape everywhere: where, for which name, what was expected, what came, how to fix it.
 */

/** A place in a file (`train.yaml:12`) or on the command line (`override "a.b=1"`). */
export interface SourceLocation {
  /** File as the user would type it, or a description such as `override "lr=1"`. */
  readonly file: string;
  /** 1-based line; absent for command-line overrides. */
  readonly line?: number;
  /** 1-based column. */
  readonly column?: number;
}

/** `train.yaml:12`, or the bare description when there is no line. */
export function formatLocation(location: SourceLocation): string {
  return location.line === undefined ? location.file : `${location.file}:${location.line}`;
}

/** Base of the framework's own errors; `code` is for programs, `message` for people. */
export class NoetherError extends Error {
  /** Stable, machine-readable reason, e.g. `CONFIG_INVALID`. */
  readonly code: string;

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** One thing that is wrong with a config. */
export interface ConfigProblem {
  /** Dotted config path, e.g. `model.optimizer_config.lr`; empty for the root. */
  readonly path: string;
  /** What was expected and what came. */
  readonly message: string;
  /** Where the offending key was written, when known. */
  readonly location?: SourceLocation;
}

/** `train.yaml:12: trainer.max_epochs: expected an integer, received the string "ten"`. */
export function formatProblem(problem: ConfigProblem): string {
  const parts = [problem.location && formatLocation(problem.location), problem.path, problem.message];
  return parts.filter((part) => part !== undefined && part !== "").join(": ");
}

/**
 * A config that cannot be read, composed or validated. `problems` lists everything that is wrong, so that a user can
 * fix a file in one go.
 */
export class ConfigError extends NoetherError {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[] | string, options?: { cause?: unknown; code?: string }) {
    const list = typeof problems === "string" ? [{ path: "", message: problems }] : problems;
    const message =
      list.length === 1
        ? formatProblem(list[0]!)
        : `the config has ${list.length} problems:\n${list.map((problem) => `  - ${formatProblem(problem)}`).join("\n")}`;
    super(options?.code ?? "CONFIG_INVALID", message, options);
    this.problems = list;
  }
}

/** A `kind` (class name in a config) that cannot be resolved to a class. */
export class KindError extends NoetherError {
  /** The kind that was asked for. */
  readonly kind: string;

  constructor(kind: string, message: string, options?: { cause?: unknown }) {
    super("KIND_UNKNOWN", message, options);
    this.kind = kind;
  }
}
