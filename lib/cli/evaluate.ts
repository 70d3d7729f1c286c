import { UsageError } from "./hydra-arguments";
import { commandLine, integer, printHelp, readCommandLine, refuseNothing, text } from "./options";
import { FORCE_SECTION, given, LOAD_OPTIONS, POINT_OPTIONS, readForceOptions } from "./prediction-options";
import type { ReportRequest } from "./run-report";

const COMMAND = commandLine({
  usage: ["noether-ts evaluate RUN [-o FOLDER] [options]"],
  about: `Predicts the cases of a data set of a finished run at all of their points,
compares them with their truth in physical units, and writes metrics.json and
report.html (errors of each field and case, fields beside truth and error,
worst cases first). noether-eval runs the callbacks of a run instead.`,
  sections: [
    {
      options: {
        output: text({
          ...{ short: "o", value: "FOLDER", does: "a new folder" },
          otherwise: "beside that of the run: train -> train_eval, train_eval_2, ...",
        }),
        cases: integer({ value: "N", least: 1, otherwise: "all", does: "only the first N" }),
        pictures: integer({ value: "N", least: 0, default: 3, does: "worst cases that are drawn" }),
        ...POINT_OPTIONS,
        dataset: text({ value: "KEY", otherwise: "test, else val, else train", does: "which data set" }),
        ...LOAD_OPTIONS,
      },
    },
    FORCE_SECTION,
  ],
  end: `Exit codes: 0 done, 1 failed, 2 bad usage, 130 interrupted (nothing is
written then). NOETHER_FULL_ERROR=1 shows the stack of an error.`,
});

/** Runs the command; returns the exit code. */
export async function evaluate(args: readonly string[]): Promise<number> {
  const read = readCommandLine(COMMAND, args);
  if (read === "help") return printHelp(COMMAND);
  if (args.length === 0) return refuseNothing(COMMAND);
  const { values, words, given: names } = read;
  const [run, ...others] = words;
  if (run === undefined) throw new UsageError("expected the folder of a run, got none");
  if (others.length > 0) throw new UsageError(`expected one run, got also ${others.join(" ")}`);
  const { checkpoint, weights, device, dtype, project, dataset } = values;
  const forces = readForceOptions(values, names);
  const request: ReportRequest = {
    run,
    output: values.output ?? null,
    load: given({ checkpoint, weights, device, dtype, project, dataset }),
    evaluate: given({
      dataset,
      limit: values.cases,
      chunkSize: values["chunk-size"],
      seed: values.seed,
      forces: forces ?? undefined,
    }),
    pictures: values.pictures,
  };
  // only now, so that a mistake shows at once; with extension, since a built file imports it natively
  const { runReport } = await import("./run-report.js");
  return runReport(request);
}
