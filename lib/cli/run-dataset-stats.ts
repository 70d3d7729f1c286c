import { loadUserKinds } from "../config/factory/load-kind";
import { ValueError } from "../config/python-errors";
import { findKind } from "../config/registry";
import { type AnyConfigClass, type Fields, isConfigClass, registered, validateConfig, zodType } from "../config/schema";
import { toPlain } from "../config/yaml/nodes";
import { readYaml } from "../config/yaml/reader";
import { statusLine } from "../core/logging/terminal";
import { durationForPeople } from "../core/logging/formatters";
import {
  checkWritable,
  computeStatistics,
  DatasetBaseConfig,
  DatasetFactory,
  type RunningMoments,
  writeStatistics,
} from "../data";
import { EXIT, printResult } from "./command";
import type { DatasetStatsOptions } from "./dataset-stats";
import { provideOwnModules } from "./own-modules";

/** What the process ends with when Ctrl-C stopped it. */
const INTERRUPTED = 130;

/** Computes, prints and writes the statistics of a data set; returns the exit code. Importing this file loads libtorch. */
export async function runDatasetStats(options: DatasetStatsOptions): Promise<number> {
  provideOwnModules();
  await loadUserKinds({ kind: options.kind });
  const dataset = new DatasetFactory().create(datasetConfig(options));
  if (options.output !== null) checkWritable(options.output);

  const interruption = new AbortController();
  const interrupt = () => interruption.abort();
  process.once("SIGINT", interrupt); // a second one ends the process at once
  const start = performance.now();
  let done = 0;
  try {
    const moments = await computeStatistics(dataset, {
      ...options,
      signal: interruption.signal,
      onProgress: (count, total) => {
        done = count;
        if (process.stderr.isTTY) statusLine.show(progress(count, total, (performance.now() - start) / 1000));
      },
    });
    statusLine.hide();
    printResult(`${String(dataset)}: ${dataset.length} samples\n\n${describe(moments)}\n`);
    if (options.output !== null) {
      writeStatistics(options.output, moments, options.format);
      process.stderr.write(`written: ${options.output}\n`);
    }
    return EXIT.ok;
  } catch (error) {
    statusLine.hide();
    if (!interruption.signal.aborted) throw error;
    const fate = options.output === null ? "" : `; nothing was written to ${options.output}`;
    process.stderr.write(`interrupted after ${done} of ${dataset.length} samples${fate}\n`);
    return INTERRUPTED;
  } finally {
    process.off("SIGINT", interrupt);
  }
}

/** The config of the data set: its kind, its split, and the options that the command does not know. */
function datasetConfig({ kind, split, config }: DatasetStatsOptions): DatasetBaseConfig {
  const schema = findKind(kind)?.schema;
  const type: AnyConfigClass = isConfigClass(schema) ? schema : DatasetBaseConfig;
  const fields = type.fields as Fields;
  const written = [...config].map(([key, text]) => [key, valueOf(text, fields[key])]);
  const needsSplit = fields["split"] !== undefined && !zodType(fields["split"]).safeParse(undefined).success;
  const ofSplit = split ?? (needsSplit ? "train" : null);
  return validateConfig(registered(DatasetBaseConfig), {
    kind,
    ...(ofSplit === null ? {} : { split: ofSplit }),
    ...Object.fromEntries(written),
  }) as DatasetBaseConfig;
}

/** A text as YAML reads it; as it is where the field wants a text, such as a folder whose name is a number. */
function valueOf(text: string | null, field: Fields[string] | undefined): unknown {
  if (text === null) return true;
  if (field && zodType(field).safeParse(text).success) return text;
  try {
    return toPlain(readYaml(text, "the command line"));
  } catch (cause) {
    throw new ValueError(`expected a value as YAML has it, received "${text}": ${(cause as Error).message}`, { cause });
  }
}

function progress(count: number, total: number, seconds: number): string {
  const rest = (seconds / count) * (total - count);
  return `${count}/${total} samples${count < total ? `  ${durationForPeople(rest)} left` : ""}`;
}

/** Each field and its moments below it. */
function describe(moments: ReadonlyMap<string, RunningMoments>): string {
  const names = [...moments.keys()].sort();
  const parts = names.map((name) => {
    const field = moments.get(name)!;
    return `${name}${field.logScale ? " (log scale)" : ""}\n${field.toString().replaceAll(/^/gm, "  ")}`;
  });
  return parts.join("\n\n");
}
