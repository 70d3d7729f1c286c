import { answerUsage } from "./command";
import type { ReportRequest } from "./run-report";
import { UsageError } from "./hydra-arguments";
import {
  dtypeOf,
  FORCE_OPTIONS,
  FORCE_USAGE,
  given,
  LOAD_OPTIONS,
  numberOf,
  readForceOptions,
} from "./prediction-options";
import { readOptions } from "./read-options";

const usage = `Usage: noether-ts evaluate RUN [-o FOLDER] [options]

Predicts the cases of a data set of a finished run at all of their points,
compares them with their truth in physical units, and writes metrics.json and
report.html (errors of each field and case, fields beside truth and error,
worst cases first). noether-eval runs the callbacks of a run instead.

  -o, --output FOLDER   a new folder. Default: beside that of the run
                        (train -> train_eval, train_eval_2, ...)
  --cases N             only the first N
  --pictures N          worst cases that are drawn (default 3)
  --chunk-size N        points at a time (default 16384)
  --seed N              choice of anchors (default 0)

  --dataset KEY         default: test, else val, else train
  --checkpoint NAME     latest (default), E10, best_model.loss.test.total, ...
  --weights NAME        averages: ema=0.9999
  --device DEVICE       cpu (default), cuda, cuda:1
  --dtype DTYPE         precision: float32 (default), float64
  --project FOLDER      where classes such as ./model.ts#Model are

${FORCE_USAGE}

Exit codes: 0 done, 1 failed, 2 bad usage, 130 interrupted (nothing is
written then). NOETHER_FULL_ERROR=1 shows the stack of an error.`;

const text = { type: "string" } as const;

const OPTIONS = {
  help: { type: "boolean", short: "h" },
  output: { type: "string", short: "o" },
  cases: text,
  pictures: text,
  "chunk-size": text,
  seed: text,
  ...LOAD_OPTIONS,
  ...FORCE_OPTIONS,
} as const;

/** Runs the command; returns the exit code. */
export async function evaluate(args: readonly string[]): Promise<number> {
  const { values, positionals } = readOptions(args, OPTIONS, true);
  const answered = answerUsage(usage, args, values.help);
  if (answered !== undefined) return answered;
  const [run, ...others] = positionals;
  if (run === undefined) throw new UsageError("expected the folder of a run, got none");
  if (others.length > 0) throw new UsageError(`expected one run, got also ${others.join(" ")}`);
  const { checkpoint, weights, device, project, dataset } = values;
  const dtype = dtypeOf(values.dtype);
  const forces = readForceOptions(values);
  const request: ReportRequest = {
    run,
    output: values.output ?? null,
    load: given({ checkpoint, weights, device, dtype, project, dataset }),
    evaluate: given({
      dataset,
      limit: count("cases", values.cases),
      chunkSize: numberOf("chunk-size", values["chunk-size"]),
      seed: numberOf("seed", values.seed),
      forces: forces ?? undefined,
    }),
    pictures: count("pictures", values.pictures, 0) ?? 3,
  };
  // only now, so that a mistake shows at once; with extension, since a built file imports it natively
  const { runReport } = await import("./run-report.js");
  return runReport(request);
}

function count(name: string, value: string | undefined, least = 1): number | undefined {
  const number = numberOf(name, value);
  if (number !== undefined && !(Number.isInteger(number) && number >= least))
    throw new UsageError(`--${name}: expected a whole number from ${least}, got "${value}"`);
  return number;
}
