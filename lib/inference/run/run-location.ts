import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { FileNotFoundError, ValueError } from "../../config/python-errors";
import { CheckpointFolder } from "../../core/writers";
import { readPortableRun, type PortableRun } from "./portable-run";

/** Where a finished run lies. */
export interface RunLocation {
  /** The folder with `checkpoints`, and with `hp_resolved.yaml` where there is one. */
  readonly folder: string;
  /** `hp_resolved.yaml`; null: only the checkpoints are there. */
  readonly config: string | null;
  /** Name of the model file that was given in place of a run. */
  readonly modelFile: string | null;
  /** What was exported to the file that was given in place of a run; `folder` is the file then. */
  readonly portable: PortableRun | null;
}

/** Weights in a run's folder: what `checkpoint` and `weights` of `loadRun` name. */
export interface StoredWeights {
  /** First part of the file's name: the model's name, for a part of a composite with its key. */
  readonly model: string;
  /** `latest`, `E10_U100_S200`, `best_model.loss.test.total`, … */
  readonly checkpoint: string;
  /** `ema=0.9999`; null: the weights themselves. */
  readonly weights: string | null;
}

const MODEL_FILE = /^(.+?)(?:_((?:ema)=[^_]*))?_cp=(.+)_model\.th$/;

/**
 * Finds a run: by its folder, the folder above when that has one stage, or one of its model files (`…_model.th`).
 *
 * @param path a path, or a URL that begins with `file:`
 * @throws FileNotFoundError when there is nothing, ValueError for what is no run, with what is there instead
 */
export function locateRun(path: string): RunLocation {
  const folder = resolve(pathOf(path));
  const status = statSync(folder, { throwIfNoEntry: false });
  if (status === undefined) throw new FileNotFoundError(notFound(folder));
  if (status.isFile()) {
    const portable = readPortableRun(folder);
    if (portable !== null) return { folder, config: null, modelFile: null, portable };
    if (!MODEL_FILE.test(basename(folder)))
      throw new ValueError(
        `${folder}: expected the folder of a run, a model file ("…_cp=…_model.th") or an exported run, got another file`,
      );
    const checkpoints = dirname(folder);
    const run = basename(checkpoints) === "checkpoints" ? dirname(checkpoints) : checkpoints;
    return { folder: run, config: configIn(run), modelFile: folder, portable: null };
  }
  if (isRun(folder)) return { folder, config: configIn(folder), modelFile: null, portable: null };
  if (basename(folder) === "checkpoints" && isRun(dirname(folder))) return locateRun(dirname(folder));
  const below = runsBelow(folder);
  if (below.length === 1) return { folder: below[0]!, config: configIn(below[0]!), modelFile: null, portable: null };
  if (below.length > 1)
    throw new ValueError(
      `${folder}: expected the folder of one run, got one with several: ${below.map((run) => run.slice(folder.length + 1)).join(", ")}`,
    );
  throw new ValueError(
    existsSync(join(folder, "hp_resolved.yaml"))
      ? `${folder}: expected a run with checkpoints, got one without: it needs a CheckpointCallback that writes weights`
      : `${folder}: expected the folder of a run (with "checkpoints" and "hp_resolved.yaml"), got ${namesIn(folder).slice(0, 5).join(", ") || "an empty folder"}`,
  );
}

function pathOf(path: string): string {
  if (typeof path !== "string" || path === "")
    throw new ValueError(`loadRun: expected the folder of a run, got ${path === "" ? "an empty name" : typeof path}`);
  if (path.startsWith("file:")) return fileURLToPath(path);
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(path)?.[1];
  if (scheme !== undefined)
    throw new ValueError(`${path}: expected a path or a file: URL, got "${scheme}:"; download the run first`);
  return path;
}

function notFound(path: string): string {
  let parent = dirname(path);
  while (!existsSync(parent) && parent !== dirname(parent)) parent = dirname(parent);
  const names = namesIn(parent).slice(0, 5).join(", ");
  return `${path}: expected the folder of a run, got nothing of that name${names === "" ? "" : `; ${parent} has ${names}`}`;
}

const isRun = (folder: string): boolean => existsSync(join(folder, "checkpoints"));

function configIn(folder: string): string | null {
  const file = join(folder, "hp_resolved.yaml");
  return existsSync(file) ? file : null;
}

/** Stages of a run: evaluations have no checkpoints, so that they do not count. */
function runsBelow(folder: string): string[] {
  return namesIn(folder)
    .map((name) => join(folder, name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() && isRun(path));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => !name.startsWith("."));
  } catch {
    return [];
  }
}

/** The weights that a run has, in the order of their file names. */
export function storedWeights(folder: string): StoredWeights[] {
  return new CheckpointFolder(join(folder, "checkpoints")).names().flatMap((name) => weightsOf(name) ?? []);
}

/** What the name of a model file says; null for other files. */
export function weightsOf(file: string): StoredWeights | null {
  const match = MODEL_FILE.exec(basename(file));
  return match === null ? null : { model: match[1]!, weights: match[2] ?? null, checkpoint: match[3]! };
}
