import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { mergeConfigs, readYaml, resolveConfig, scalarNode } from "../../config";
import { childOf, cloneNode } from "../../config/yaml/nodes";
import { displayPath } from "../../config/compose/config-files";
import type { ComposedConfig, MapNode, UnresolvedConfig } from "../../config";
import { ConfigError } from "../../config/errors";
import { withSuggestion } from "../../config/nearest-names";
import { FileNotFoundError, ValueError } from "../../config/python-errors";
import { PathProvider } from "../../core/providers/path";
import { runPathProblem } from "../../core/providers/run-path";
import type { EvaluationKey } from "./evaluation-keys";

/** A run to evaluate, and the config that does it. */
export interface Evaluation {
  readonly composed: ComposedConfig;
  /** Output root of the evaluated run: its weights are read from there. */
  readonly inputDir: string;
  /** `ema=0.9999`: which weights of a checkpoint. */
  readonly modelInfo: string | null;
}

/** The config that a run leaves behind. */
const STORED = "hp_resolved.yaml";

/** Keys that say which run is evaluated; no part of the run's config. */
const OWN_KEYS: readonly EvaluationKey[] = ["input_dir", "model_info"];

function text(tree: MapNode, key: EvaluationKey | "resume_stage_name"): string | null {
  const node = tree.entries.get(key);
  if (!node || (node.type === "scalar" && ["", "???", null].includes(node.value as string))) return null;
  if (node.type === "scalar" && typeof node.value === "string") return node.value;
  // the number of a Slurm job
  const isNumber = node.type === "scalar" && ["number", "bigint"].includes(typeof node.value);
  if (key === "run_id" && isNumber) return String(node.value);
  throw new ConfigError([
    { path: key, message: "expected a string (quote it when it looks like a number)", location: node.source },
  ]);
}

/**
 * The stored config of a run with an inference config merged over it: mappings key
 * by key, lists as a whole, so that `trainer.callbacks` of the inference config replaces those of training.
 *
 * Results go to a stage of their own next to the training stage (`train` → `train_eval`), so that nothing of the training
 * run is overwritten; the weights are read below `input_dir`, wherever that has been moved to.
 *
 * @throws ValueError without `input_dir` or `run_id`; FileNotFoundError without `hp_resolved.yaml`
 */
export function composeEvaluation(inference: UnresolvedConfig): Evaluation {
  const own = resolveOwn(inference);
  const inputDir = own.inputDir ?? missing("input_dir", "the output root of the training run");
  const runId = own.runId ?? missing("run_id", "the run to evaluate");
  const stage = own.stage ?? "";
  refuseEscape(inference.tree, inputDir, runId, stage);
  const file = join(inputDir, runId, stage, STORED);
  if (!existsSync(file)) throw new FileNotFoundError(absenceOf(inputDir, runId, stage));
  const stored = readYaml(readFileSync(file, "utf8"), displayPath(file));
  if (stored.type !== "map")
    throw new ConfigError([{ path: "", message: "expected a mapping", location: stored.source }]);
  for (const key of ["resume_run_id", "resume_stage_name", "resume_checkpoint"])
    stored.entries.set(key, scalarNode(null));
  // how the stored run itself was started is no part of its evaluation
  const trainer = stored.entries.get("trainer");
  if (trainer?.type === "map") trainer.entries.delete("initializer");

  const over = cloneNode(inference.tree);
  for (const key of OWN_KEYS) over.entries.delete(key);
  const merged = mergeConfigs(stored, over);
  const set = (key: string, value: string) => merged.entries.set(key, scalarNode(value, { file: "noether-eval" }));
  set("resume_run_id", text(stored, "run_id") ?? runId);
  if (text(merged, "resume_stage_name") === null) set("resume_stage_name", stage);
  if (!childOf(inference.tree, "resume_checkpoint")) set("resume_checkpoint", "latest");
  set("run_id", runId);
  set("stage_name", stage === "" ? "eval" : `${stage}_eval`);
  return { composed: resolveConfig({ tree: merged, job: inference.job }), inputDir, modelInfo: own.modelInfo };
}

function resolveOwn({ tree }: UnresolvedConfig) {
  const inputDir = text(tree, "input_dir");
  return {
    inputDir: inputDir === null ? null : resolve(inputDir),
    runId: text(tree, "run_id"),
    stage: text(tree, "stage_name"),
    modelInfo: text(tree, "model_info"),
  };
}

/** The run has to lie below `input_dir`. */
function refuseEscape(tree: MapNode, inputDir: string, runId: string, stage: string): void {
  const problems = Object.entries({ run_id: runId, stage_name: stage || "x" }).flatMap(([path, name]) => {
    const message = runPathProblem(name);
    return message === null ? [] : [{ path, message, location: tree.entries.get(path)?.source }];
  });
  if (problems.length > 0) throw new ConfigError(problems);
  new PathProvider({ outputRootPath: inputDir, runId, stageName: stage }).refuseEscape();
}

/** What is not there of a run, and what is. */
function absenceOf(inputDir: string, runId: string, stage: string): string {
  if (!existsSync(inputDir)) return `expected input_dir, the output root of a training run: there is no ${inputDir}`;
  const runFolder = join(inputDir, runId);
  if (!existsSync(runFolder)) {
    const parent = dirname(runFolder);
    const ids = foldersIn(parent).map((name) => relative(inputDir, join(parent, name)));
    return withSuggestion(`expected a run in ${inputDir}, there is no ${runId}`, runId, ids);
  }
  const stages = foldersIn(runFolder).filter((name) => existsSync(join(runFolder, name, STORED)));
  const others = [
    ...(stage !== "" && existsSync(join(runFolder, STORED)) ? ["none"] : []),
    ...stages.map((name) => `"${name}"`),
  ];
  const hint = others.length > 0 ? `: its stage_name is ${others.join(" or ")}` : "";
  return `expected ${join(runFolder, stage, STORED)}, the config that the run left behind${hint}`;
}

function foldersIn(path: string): string[] {
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
}

function missing(key: EvaluationKey, meaning: string): never {
  throw new ValueError(`expected ${key} (${meaning}): give it in the config file or as +${key}=…`);
}
