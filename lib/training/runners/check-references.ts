import { existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import type { ConfigProblem } from "../../config/errors";
import { editDistance, suggestNames } from "../../config/nearest-names";
import { findKind } from "../../config/registry";
import { isConfigClass, isMapping, type AnyConfigClass } from "../../config/schema";
import { TrainingIteration } from "../../core/iteration/training-iteration";
import { existingRunName, expandUser, PathProvider, runPathProblem } from "../../core/providers";
import { CheckpointFolder } from "../../core/writers";
import { parseCheckpointSelector } from "./checkpoint-selector";
import { outputPathOf } from "./config-schema";
import { isTaken, takenMessage } from "./run-directory";

/** A problem without its place. */
type Problem = Pick<ConfigProblem, "message"> & { readonly path: readonly PropertyKey[] };
type Tree = Readonly<Record<string, unknown>>;

/** What a run does with its config. */
export interface RunPurpose {
  /** `weights`: an evaluation. */
  readonly resumeWith?: "resume" | "weights";
  readonly resumeOutputPath?: string | null;
  readonly resumeModelInfo?: string | null;
}

/**
 * What a config says about things outside of its own schema: data sets by their key, other runs, the folder of this run, keys
 * that nothing reads. It works on the plain tree, so that it finds these problems together with those of the schema, and creates
 * nothing.
 *
 * @param mentions - whether an interpolation of the config refers to a key of the root
 */
export function checkReferences(
  plain: Tree,
  schema: AnyConfigClass,
  purpose: RunPurpose,
  mentions: (key: string) => boolean,
): Problem[] {
  return [
    ...datasetKeys(plain),
    ...resumedRun(plain, purpose),
    ...initializerRuns(plain),
    ...ownFolder(plain, purpose),
    ...strayKeys(plain, schema, mentions),
  ];
}

/** Callbacks that run over a data set. */
function datasetKeys({ datasets, trainer }: Tree): Problem[] {
  if (!isMapping(datasets) || !isMapping(trainer)) return [];
  const names = Object.keys(datasets);
  // the first data set also answers to this name
  const known = new Set([...names, ...(names.length > 0 ? ["train"] : [])]);
  return entriesNamed(trainer["callbacks"], "dataset_key", ["trainer", "callbacks"]).flatMap(({ path, value }) =>
    typeof value !== "string" || known.has(value)
      ? []
      : [
          {
            path,
            message: `expected the key of a data set, received ${JSON.stringify(value)}; ${suggestNames(value, known)}`,
          },
        ],
  );
}

/** Paths of the run that a run continues from; null without one, and for one that is not possible. */
export function resumedPaths(plain: Tree, { resumeOutputPath = null }: RunPurpose): PathProvider | null {
  const own = pathsOf(plain, existingRunName(plain["resume_run_id"]), plain["resume_stage_name"]);
  if (own === null) return null;
  return resumeOutputPath === null
    ? own.withRun(own.runId, own.stageName)
    : new PathProvider({ outputRootPath: resumeOutputPath, runId: own.runId, stageName: own.stageName });
}

/** The run, stage and checkpoint that a run continues from. */
function resumedRun(plain: Tree, purpose: RunPurpose): Problem[] {
  const { resumeWith = "resume", resumeModelInfo = null } = purpose;
  const paths = resumedPaths(plain, purpose);
  if (paths === null) return [];
  const missing = missingRun(paths, "resume_run_id", "resume_stage_name");
  if (missing !== null) return [missing];
  const { model, resume_checkpoint: text = null } = plain;
  const name = isMapping(model) ? model["name"] : null;
  if (typeof name !== "string" || (text !== null && typeof text !== "string") || text === "") return [];
  const files = new CheckpointFolder(paths.checkpointPath).names();
  const tags = resumeWith === "resume" ? tagsOf(files, name, "_trainer.th") : modelTags(files, name, resumeModelInfo);
  const selector = parseCheckpointSelector(text);
  const isThere = tags.some((tag) => (typeof selector === "string" ? tag === selector : matches(tag, selector)));
  if (isThere) return [];
  const of = `${resumeWith === "resume" ? "" : "weights of "}model "${name}"${resumeModelInfo === null ? "" : ` (${resumeModelInfo})`}`;
  const found = tags.length === 0 ? "it has none" : `there are ${tags.sort().join(", ")}`;
  return [
    {
      path: ["resume_checkpoint"],
      message: `expected a checkpoint of ${of} in '${paths.checkpointPath}', received ${JSON.stringify(text ?? "latest")}; ${found}`,
    },
  ];
}

function tagsOf(files: readonly string[], name: string, suffix: string): string[] {
  const prefix = `${name}_cp=`;
  return files.flatMap((file) =>
    file.startsWith(prefix) && file.endsWith(suffix) ? [file.slice(prefix.length, -suffix.length)] : [],
  );
}

/** Tags under which there are weights of a model, or of a submodel of it. */
function modelTags(files: readonly string[], name: string, info: string | null): string[] {
  const models = new Set(
    files.flatMap((file) => (file.startsWith(`${name}.`) ? [file.split("_cp=")[0] as string] : [])),
  );
  const infix = info === null ? "" : `_${info}`;
  const names = [`${name}${infix}`, ...[...models].filter((model) => model.endsWith(infix))];
  return [...new Set(names.flatMap((model) => tagsOf(files, model, "_model.th")))];
}

function matches(tag: string, selector: object): boolean {
  if (!/^E\d+_U\d+_S\d+$/.test(tag)) return false;
  const iteration = TrainingIteration.fromString(tag).toDict();
  return Object.entries(selector).every(([field, value]) => iteration[field as "epoch"] === value);
}

/** Runs that initializers of the model read. */
function initializerRuns(plain: Tree): Problem[] {
  return entriesNamed(plain["model"], "initializers", ["model"]).flatMap(({ path, value }) => {
    if (!Array.isArray(value)) return [];
    return (value as unknown[]).flatMap((item, index) => {
      if (!isMapping(item)) return [];
      const root = item["output_path"];
      const paths = pathsOf(
        typeof root === "string" ? { output_path: root } : plain,
        existingRunName(item["run_id"]),
        item["stage_name"],
      );
      const at = [...path, index];
      const problem =
        paths && missingRun(paths.withRun(paths.runId, paths.stageName), [...at, "run_id"], [...at, "stage_name"]);
      return problem ? [problem] : [];
    });
  });
}

/** What is wrong with a run that should be read; null: it is there. */
function missingRun(
  paths: PathProvider,
  runKey: PropertyKey | PropertyKey[],
  stageKey: PropertyKey | PropertyKey[],
): Problem | null {
  if (existsSync(paths.checkpointPath)) return null;
  const { outputRoot, runId, stageName } = paths;
  const run = new PathProvider({ outputRootPath: outputRoot, runId, debug: paths.debug }).runOutputPath;
  if (!existsSync(run)) {
    const message = `expected a run in '${outputRoot}', received ${JSON.stringify(runId)}; ${suggestNames(runId, foldersIn(outputRoot)) || "there is none"}`;
    return { path: [runKey].flat(), message };
  }
  const stages = foldersIn(run).filter((name) => existsSync(join(run, name, "checkpoints")));
  if (stageName !== null && !existsSync(paths.runOutputPath)) {
    const message = `expected a stage of run "${runId}", received ${JSON.stringify(stageName)}; ${suggestNames(stageName, stages) || "it has no stages"}`;
    return { path: [stageKey].flat(), message };
  }
  if (stageName === null && stages.length > 0) {
    return {
      path: [stageKey].flat(),
      message: `expected a stage of run "${runId}", received nothing; ${suggestNames("", stages)}`,
    };
  }
  return {
    path: [runKey].flat(),
    message: `expected a run with checkpoints, received ${JSON.stringify(runId)}: there are none in '${paths.runOutputPath}'`,
  };
}

/** The folder that the run writes to. */
function ownFolder(plain: Tree, { resumeWith = "resume" }: RunPurpose): Problem[] {
  const paths = pathsOf(plain, plain["run_id"], plain["stage_name"]);
  if (paths === null || resumeWith === "weights") return [];
  const stage = (value: unknown) => value || null;
  const continues =
    plain["resume_run_id"] === paths.runId && stage(plain["resume_stage_name"]) === stage(plain["stage_name"]);
  return continues || !isTaken(paths) ? [] : [{ path: ["run_id"], message: takenMessage(paths) }];
}

/**
 * Keys of the root that nothing reads, but that are as near to a key of the config as a slip is: `max_epochs` outside of the
 * trainer, `sede`. Keys that an interpolation refers to are helpers, and so are mappings and lists.
 */
function strayKeys(plain: Tree, schema: AnyConfigClass, mentions: (key: string) => boolean): Problem[] {
  const own = Object.keys(schema.fields as object);
  const nested = ["trainer", "model"].flatMap((part) => fieldsOf(plain[part]).map((field) => ({ part, field })));
  return Object.entries(plain).flatMap(([key, value]) => {
    const isHelper = own.includes(key) || mentions(key) || (typeof value === "object" && value !== null);
    if (isHelper || ["config_schema_kind", "defaults"].includes(key)) return [];
    const near = [
      ...nested.filter(({ field }) => isSlip(key, field)).map(({ part, field }) => `${part}.${field}`),
      ...own.filter((field) => isSlip(key, field)),
    ];
    if (near.length === 0) return [];
    const meant = near
      .slice(0, 3)
      .map((name) => `"${name}"`)
      .join(" or ");
    return [{ path: [key], message: `unknown key, which nothing in the config refers to; did you mean ${meant}?` }];
  });
}

function isSlip(key: string, field: string): boolean {
  return editDistance(key, field) <= Math.min(2, Math.floor(field.length / 4));
}

function fieldsOf(part: unknown): string[] {
  const kind = isMapping(part) ? part["kind"] : null;
  const schema = typeof kind === "string" ? findKind(kind)?.schema : undefined;
  return isConfigClass(schema) ? Object.keys(schema.fields as object) : [];
}

/** Paths below the run's output root; null where the config does not name a run, or names none that is possible. */
function pathsOf(plain: Tree, runId: unknown, stageName: unknown): PathProvider | null {
  const { debug } = plain;
  const root = plain["output_path"] ?? outputPathOf(plain["slurm"]);
  if (typeof root !== "string" || root === "" || typeof runId !== "string" || runPathProblem(runId) !== null)
    return null;
  const stage = stageName || null;
  if (stage !== null && (typeof stage !== "string" || runPathProblem(stage) !== null)) return null;
  return new PathProvider({
    outputRootPath: resolve(expandUser(root)),
    runId,
    stageName: stage,
    debug: debug === true,
  });
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  } catch {
    return [];
  }
}

/** Every value under a key, at any depth. */
function entriesNamed(tree: unknown, name: string, path: PropertyKey[]): { path: PropertyKey[]; value: unknown }[] {
  if (Array.isArray(tree)) return tree.flatMap((item, index) => entriesNamed(item, name, [...path, index]));
  if (!isMapping(tree)) return [];
  return Object.entries(tree).flatMap(([key, value]) => [
    ...(key === name ? [{ path: [...path, key], value }] : []),
    ...entriesNamed(value, name, [...path, key]),
  ]);
}
