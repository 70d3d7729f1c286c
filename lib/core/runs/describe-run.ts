import { stat } from "node:fs/promises";
import { join } from "node:path";
import { sanitize } from "../../io/redact";
import { nameOf } from "./metric-groups";
import { readRunConfig, readYamlMapping } from "./run-config";
import { type RunState, runState } from "./run-state";
import { readTail } from "./tail";

/** A run at a glance. */
export interface RunDescription {
  readonly state: RunState;
  /** `name` of its config; null: it has none. */
  readonly experiment: string | null;
  /** Milliseconds since 1970: when its log begins or its config was written, and when it last logged a metric. */
  readonly started: number | null;
  readonly updated: number | null;
  readonly epoch: number;
  readonly update: number;
  readonly sample: number;
  /** Share of the run that is done, 0 to 1; null: its length is not known. */
  readonly done: number | null;
  /** The last value of each metric, by name; of a run under way those of its last lines. */
  readonly values: Readonly<Record<string, number>>;
  /** `param_count/…` and the like, and the best values; empty until the run has ended. */
  readonly summary: Readonly<Record<string, unknown>>;
}

/** Bytes at the end of the metrics that are looked at. */
const TAIL = 65_536;

/** Reads the ends of the files of a run: it takes as long for a long one. */
export async function describeRun(folder: string): Promise<RunDescription> {
  const [config, summary, state, tail] = await Promise.all([
    readRunConfig(folder),
    readYamlMapping(join(folder, "tracker", "summary.yaml")),
    runState(folder),
    readTail(join(folder, "tracker", "metrics.jsonl"), TAIL),
  ]);
  const values: Record<string, number> = {};
  for (const [key, value] of Object.entries(summary))
    if (key.endsWith("/last") && typeof value === "number") values[nameOf(key.slice(0, -"/last".length))] = value;
  const position: Record<string, number> = { epoch: 0, update: 0, sample: 0 };
  for (const line of tail.split("\n")) {
    for (const [key, value] of Object.entries(entryOf(line))) {
      const number = Number(value);
      if (key in position || key === "_timestamp") position[key] = number;
      else if (typeof value !== "boolean" && (Number.isFinite(number) || value === "NaN")) values[nameOf(key)] = number;
    }
  }
  const [born, changed] = await Promise.all([
    timeOf(join(folder, "hp_resolved.yaml")),
    timeOf(join(folder, "tracker", "metrics.jsonl")),
  ]);
  return {
    state,
    experiment: typeof config["name"] === "string" ? config["name"] : null,
    started: born,
    updated: position["_timestamp"] === undefined ? changed : 1000 * position["_timestamp"],
    epoch: position["epoch"]!,
    update: position["update"]!,
    sample: position["sample"]!,
    done: state === "finished" ? 1 : shareDone(config["trainer"], position),
    values,
    summary,
  };
}

function entryOf(line: string): Record<string, unknown> {
  try {
    return line === "" ? {} : (JSON.parse(line) as Record<string, unknown>);
  } catch {
    return {};
  }
}

function shareDone(trainer: unknown, position: Readonly<Record<string, number>>): number | null {
  const config = (trainer ?? {}) as Record<string, unknown>;
  for (const unit of ["epoch", "update", "sample"]) {
    const end = config[`max_${unit}s`];
    if (typeof end === "number" && end > 0) return Math.min(1, position[unit]! / end);
  }
  return null;
}

async function timeOf(path: string): Promise<number | null> {
  return (await stat(path).catch(() => null))?.mtimeMs ?? null;
}

/** The end of a run's log, without secrets. */
export async function readLog(folder: string, bytes = 262_144): Promise<string> {
  return sanitize(await readTail(join(folder, "log.txt"), bytes));
}
