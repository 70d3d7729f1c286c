import { resolve } from "node:path";
import { z } from "zod";
import { register } from "../../config/registry";
import {
  bool,
  customType,
  defineConfig,
  float,
  int,
  list,
  literal,
  mapping,
  optional,
  refuse,
  registered,
  report,
  str,
} from "../../config/schema";
import { CONSOLE_LEVELS, type ConsoleLevel } from "../../core/logging";
import { expandUser } from "../../core/providers/expand-user";
import { existingRunId, fileNamePart, runId, stageName } from "../../core/providers/run-path";
import { ModelBaseConfig } from "../../core/models/model-base-config";
import { AnyTracker } from "../../core/trackers";
import { DEFAULT_SCHEMA_KIND } from "../../core/writers/hyperparameters";
import { DatasetBaseConfig } from "../../data/base/dataset-config";
import { BaseTrainerConfig } from "../trainers/base-trainer-config";
import { slurmFolder, SlurmSection } from "./slurm-config";

/** Where a run computes. */
export const ACCELERATORS = ["cpu", "gpu", "mps"] as const;
/** One of {@link ACCELERATORS}; `gpu` is CUDA. */
export type Accelerator = (typeof ACCELERATORS)[number];

let detectAccelerator: () => Accelerator = () => "cpu";

/** Sets what `accelerator` is when a config leaves it out: the runner asks the torch layer for the best device. */
export function setAcceleratorDetection(detect: () => Accelerator): void {
  detectAccelerator = detect;
}

/** Ports that a run draws from when none is configured. */
const PORT_RANGE = [20000, 60000] as const;

function randomPort([low, high]: readonly [number, number]): number {
  return low + Math.floor(Math.random() * (high - low + 1));
}

function defaultPort(context: { issues: unknown[] }): number {
  const text = process.env["MASTER_PORT"];
  if (text === undefined) return randomPort(PORT_RANGE);
  const port = Number(text);
  if (text.trim() !== "" && Number.isInteger(port)) return port;
  report(
    context,
    text,
    `expected an integer in the environment variable MASTER_PORT, received ${JSON.stringify(text)}`,
  );
  return z.NEVER;
}

/** A port, or `[low, high]` to draw one from; absent: `MASTER_PORT` of the environment, else random. */
const masterPort = customType<number, number | readonly [number, number] | undefined>((input, context) => {
  if (input === undefined) return defaultPort(context);
  if (Array.isArray(input)) {
    const [low, high] = input as number[];
    if (input.length === 2 && input.every((port) => Number.isInteger(port)) && low! <= high!)
      return randomPort([low!, high!]);
  } else {
    const port = int().safeParse(input);
    if (port.success) return port.data;
  }
  return refuse(context, input, "a port or two integers [low, high]");
});

/** The output root of a config that names none. */
export function outputPathOf(slurm: unknown): string | undefined {
  const section = SlurmSection.safeParse(slurm);
  return section.success ? slurmFolder(section.data) : undefined;
}

/** An absolute path; `~` is the home directory. */
const path = customType<string, string | null | undefined>((input, context) => {
  const text = str().safeParse(input);
  if (text.success && text.data !== "") return resolve(expandUser(text.data));
  return refuse(context, input, "a path (it may be left out where there is a slurm section: then it is slurm.folder)");
});

/**
 * The root of a run's config. Unknown keys are ignored: helper keys that a YAML
 * refers to by interpolation live there. Projects extend it to add fields.
 */
export const ConfigSchema = defineConfig("ConfigSchema", {
  extra: "ignore",
  fields: {
    /** Experiment name, the base of the run name. */
    name: optional(str()),
    /** Where it computes. Default: gpu where there is one, else cpu. */
    accelerator: literal(...ACCELERATORS).default(() => detectAccelerator()),
    /** Sub-directory of the run directory; null: none. */
    stage_name: optional(stageName()),
    /** Class of the data sets, for configs that refer to it. */
    dataset_kind: optional(str()),
    /** Folder of the data sets, for configs that refer to it. */
    dataset_root: optional(str()),
    /** Run to continue. */
    resume_run_id: optional(existingRunId()),
    /** Its stage; null: none. */
    resume_stage_name: optional(stageName()),
    /** `latest`, a tag, or `E10`, `U500`, `S4000`; null: `latest`. */
    resume_checkpoint: optional(fileNamePart()),
    /** Of all random numbers. */
    seed: int().default(0),
    /** In which order a seed puts the training samples: as this release of the Python framework, or as release 1.1, to repeat a run. */
    sample_order: literal("2026.4", "1.1").default("2026.4"),
    /** Statistics of fields, for configs that refer to them. */
    dataset_statistics: optional(mapping(list(float()))),
    /** Where metrics go beside the folder of the run, by its `kind`; null or `disabled`: nowhere. */
    tracker: AnyTracker,
    /** Name of the folder of the run. Null: the number of the Slurm job (`<array job>_<task>`), else made from date and five random characters. */
    run_id: optional(runId()),
    /** Device indices as a quoted list, `"0,1"`. */
    devices: optional(str()),
    /** Threads that load samples, for training and callbacks together. 0: the process itself; null: as many as seem useful. */
    num_workers: optional(int({ ge: 0 })),
    /** On a GPU, cuDNN tries its algorithms for each new shape and takes the fastest. */
    cudnn_benchmark: bool().default(true),
    /** On a GPU, only algorithms that give the same result each time. */
    cudnn_deterministic: bool().default(false),
    /** Data sets by name: `train` is the training set; without it the first one. */
    datasets: mapping(registered(DatasetBaseConfig)),
    /** The model, by its `kind`. */
    model: registered(ModelBaseConfig),
    /** The trainer, by its `kind`. */
    trainer: registered(BaseTrainerConfig),
    /** Verbose console, no tracker, output below `debug/`. */
    debug: bool().default(false),
    /** Least severity that the console prints (`log.txt` has everything); null: `info`, with `debug: true` `debug`. */
    log_level: optional(literal(...CONSOLE_LEVELS)),
    /** Samples that `noether-development` looks at. */
    development_batch_size: int({ ge: 1 }).default(2),
    /** Keeps `code.tar.gz`, the files of the working tree, in the folder of the run. */
    store_code_in_output: bool().default(true),
    /** A page that shows the run while it trains, on this machine alone; its address is printed. Needs the package fastify. */
    dashboard: bool().default(false),
    /** Writes `report.html` into the folder of the run at its end. */
    report: bool().default(true),
    /** Where the folders of runs are. Default: `slurm.folder`, if there is that section. */
    output_path: path,
    /** Port on which the first of several processes waits for the others, or `[low, high]` to draw one from. Default: MASTER_PORT, else a random one. */
    master_port: masterPort,
    /** How noether-train-submit-job gives the run to Slurm. */
    slurm: optional(SlurmSection),
  },
  prepare: (raw) => ({ ...raw, output_path: raw["output_path"] ?? outputPathOf(raw["slurm"]) }),
  check: (config, complain) => {
    if (Object.keys(config.datasets).length === 0)
      complain("expected at least one data set, received an empty mapping", "datasets");
    if (config.num_workers === 0 && config.trainer.dataloader_prefetch_factor !== null) {
      complain("expected null with num_workers: 0: nothing is loaded ahead", "trainer", "dataloader_prefetch_factor");
    }
    if (config.cudnn_deterministic && config.cudnn_benchmark) {
      complain("expected cudnn_benchmark: false together with cudnn_deterministic: true", "cudnn_deterministic");
    }
  },
});
export type ConfigSchema = z.output<typeof ConfigSchema>;

/** What the console prints of a run. */
export function consoleLevel({ log_level, debug }: Pick<ConfigSchema, "log_level" | "debug">): ConsoleLevel {
  return log_level ?? (debug ? "debug" : "info");
}

register(DEFAULT_SCHEMA_KIND, {
  schema: ConfigSchema,
  aliases: ["noether.core.schemas.ConfigSchema"],
});
