import { answerUsage } from "./command";
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
import type { Prediction } from "./run-prediction";

const usage = `Usage: noether-ts predict RUN INPUT... -o OUT [options]

Predicts the fields of cases with a trained run. RUN is the folder of a run or
one of its model files; INPUT is a case: a folder or file with meshes (VTK,
STL, PLY, OBJ, OpenFOAM) or arrays (npz, csv, ...). Fields come on the points
or cells of the input's own mesh, beside its own fields.

  -o, --output OUT      .vtp, .vtu, .npz, .csv, or a folder; several domains
                        go to files of their own (out_surface.vtp)
  --summary FILE.json   errors and forces of all cases
  --png FILE            a picture of the body, --field NAME says of which field
  --html FILE           a page with the fields in space, without a network

Which weights
  --checkpoint NAME     latest (default), E10, best_model.loss.test.total, ...
  --weights NAME        averages: ema=0.9999
  --device DEVICE       cpu (default), cuda, cuda:1
  --dtype DTYPE         precision: float32 (default), float64
  --project FOLDER      where classes such as ./model.ts#Model are
  --dataset KEY         data set of the run whose pipeline and normalizers
                        are used (default: test, val, train)

What a file means. Runs that were trained on a folder of cases know it. An STL,
PLY or OBJ alone is the surface; the volume is then a slice around it.
  --domain NAME=FILE    file of a domain; FILE#PATCH,PATCH takes parts of it
  --map NAME=FIELD      field of the file under a name of the run, pressure=p
  --set NAME=NUMBER,... numbers of the whole case
  --cells, --points     where the fields are to be (default: points, of
                        OpenFOAM cases cells)
  --plane xy            axes of the mesh, for models in two dimensions
  --time TIME           of a transient case: latest (default), first, 0.5

  --chunk-size N        points at a time (default 16384); memory grows with it
  --seed N              choice of anchors (default 0)

${FORCE_USAGE}

Exit codes: 0 done, 1 failed, 2 bad usage, 130 interrupted (nothing is
written then). NOETHER_FULL_ERROR=1 shows the stack of an error.`;

const text = { type: "string" } as const;
const list = { type: "string", multiple: true } as const;
const flag = { type: "boolean" } as const;

const OPTIONS = {
  help: { type: "boolean", short: "h" },
  output: { type: "string", short: "o" },
  summary: text,
  png: text,
  html: text,
  field: text,
  ...LOAD_OPTIONS,
  domain: list,
  map: list,
  set: list,
  cells: flag,
  points: flag,
  plane: text,
  time: text,
  "chunk-size": text,
  seed: text,
  ...FORCE_OPTIONS,
} as const;

type Values = ReturnType<typeof readOptions<typeof OPTIONS>>["values"];

/** Runs the command; returns the exit code. */
export async function predict(args: readonly string[]): Promise<number> {
  const { values, positionals } = readOptions(args, OPTIONS, true);
  const answered = answerUsage(usage, args, values.help);
  if (answered !== undefined) return answered;
  const prediction = readArguments(values, positionals);
  // only now, so that a mistake shows at once; with extension, since a built file imports it natively
  const { runPrediction } = await import("./run-prediction.js");
  return runPrediction(prediction);
}

function readArguments(values: Values, [run, ...inputs]: readonly string[]): Prediction {
  if (run === undefined) throw new UsageError("expected a run and a case, got neither");
  if (inputs.length === 0) throw new UsageError("expected a case to predict behind the run, got none");
  const { output, summary, png, html, field } = values;
  const forces = readForceOptions(values);
  if ([output, summary, png, html].every((path) => path === undefined) && forces === null)
    throw new UsageError("expected -o OUT: where the fields go (or --summary, --png, --html, --forces)");
  if (inputs.length > 1) {
    for (const [name, path] of Object.entries({ output, png, html }))
      if (path !== undefined && /\.\w+$/.test(path))
        throw new UsageError(`--${name}: expected a folder for ${inputs.length} cases, got ${path}`);
  }
  if (values.cells && values.points) throw new UsageError("expected one of --cells and --points, got both");
  const seed = numberOf("seed", values.seed);
  const chunkSize = numberOf("chunk-size", values["chunk-size"]);
  return {
    run,
    inputs,
    outputs: { output, summary, png, html, field },
    load: given({
      checkpoint: values.checkpoint,
      weights: values.weights,
      device: values.device,
      dtype: dtypeOf(values.dtype),
      project: values.project,
      dataset: values.dataset,
    }),
    files: given({
      domains: pairs("domain", values.domain),
      fields: pairs("map", values.map),
      conditions: conditions(values.set),
      location: values.cells ? ("cells" as const) : values.points ? ("points" as const) : undefined,
      plane: values.plane,
      time: timeOf(values.time),
    }),
    predict: given({ seed, chunkSize }),
    forces,
  };
}

function pairs(name: string, given: readonly string[] | undefined): Record<string, string> | undefined {
  if (given === undefined) return undefined;
  const entries = given.map((pair) => {
    const [, key, value] = /^([^=]+)=(.+)$/s.exec(pair) ?? [];
    if (key === undefined || value === undefined) throw new UsageError(`--${name}: expected NAME=VALUE, got "${pair}"`);
    return [key, value] as const;
  });
  const twice = entries.find(([key], i) => entries.findIndex(([other]) => other === key) !== i);
  if (twice) throw new UsageError(`--${name}: "${twice[0]}" is given twice`);
  return Object.fromEntries(entries);
}

function conditions(given: readonly string[] | undefined): Record<string, number[]> | undefined {
  const entries = pairs("set", given);
  if (entries === undefined) return undefined;
  return Object.fromEntries(
    Object.entries(entries).map(([key, value]) => [key, value.split(",").map((part) => numberOf(`set ${key}`, part)!)]),
  );
}

function timeOf(value: string | undefined): number | "first" | "latest" | undefined {
  return value === "first" || value === "latest" ? value : numberOf("time", value);
}
