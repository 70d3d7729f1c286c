import { UsageError } from "./hydra-arguments";
import {
  commandLine,
  flag,
  type GivenWords,
  numberOf,
  parsed,
  printHelp,
  readCommandLine,
  refuseNothing,
  text,
  texts,
} from "./options";
import { FORCE_SECTION, given, LOAD_OPTIONS, POINT_OPTIONS, readForceOptions } from "./prediction-options";
import type { Prediction } from "./run-prediction";

const COMMAND = commandLine({
  usage: ["noether-ts predict RUN INPUT... -o OUT [options]"],
  about: `Predicts the fields of cases with a trained run. RUN is the folder of a run or
one of its model files; INPUT is a case: a folder or file with meshes (VTK,
STL, PLY, OBJ, OpenFOAM) or arrays (npz, csv, ...). Fields come on the points
or cells of the input's own mesh, beside its own fields.`,
  sections: [
    {
      options: {
        output: text({
          ...{ short: "o", value: "OUT" },
          does: ".vtp, .vtu, .npz, .csv, or a folder; several domains go to files of their own (out_surface.vtp)",
        }),
        summary: text({ value: "FILE.json", does: "errors and forces of all cases" }),
        png: text({ value: "FILE", does: "a picture of the body" }),
        field: text({ value: "NAME", does: "which field the picture shows" }),
        html: text({ value: "FILE", does: "a page with the fields in space, without a network" }),
      },
    },
    {
      title: "Which weights",
      options: {
        ...LOAD_OPTIONS,
        dataset: text({
          ...{ value: "KEY", otherwise: "test, val, train" },
          does: "data set of the run whose pipeline and normalizers are used",
        }),
      },
    },
    {
      title: `What a file means. Runs that were trained on a folder of cases know it. An STL,
PLY or OBJ alone is the surface; the volume is then a slice around it.`,
      options: {
        domain: texts({ value: "NAME=FILE", does: "file of a domain; FILE#PATCH,PATCH takes parts of it" }),
        map: texts({ value: "NAME=FIELD", does: "field of the file under a name of the run, pressure=p" }),
        set: texts({ value: "NAME=NUMBER,...", does: "numbers of the whole case" }),
        cells: flag({ does: "the fields are to be in cells (default for OpenFOAM cases)" }),
        points: flag({ does: "the fields are to be at points (default otherwise)" }),
        plane: text({ value: "AXES", does: "xy: axes of the mesh, for models in two dimensions" }),
        time: parsed(
          {
            ...{ value: "TIME", otherwise: "latest", expected: "latest, first or a number" },
            does: "of a transient case: first, 0.5",
          },
          timeOf,
        ),
      },
    },
    { title: "Size", options: POINT_OPTIONS },
    FORCE_SECTION,
  ],
  end: `Exit codes: 0 done, 1 failed, 2 bad usage, 130 interrupted (nothing is
written then). NOETHER_FULL_ERROR=1 shows the stack of an error.`,
});

/** Runs the command; returns the exit code. */
export async function predict(args: readonly string[]): Promise<number> {
  const read = readCommandLine(COMMAND, args);
  if (read === "help") return printHelp(COMMAND);
  if (args.length === 0) return refuseNothing(COMMAND);
  const prediction = readArguments(read);
  // only now, so that a mistake shows at once; with extension, since a built file imports it natively
  const { runPrediction } = await import("./run-prediction.js");
  return runPrediction(prediction);
}

function readArguments({ values, words, given: names }: GivenWords<typeof COMMAND.options>): Prediction {
  const [run, ...inputs] = words;
  if (run === undefined) throw new UsageError("expected a run and a case, got neither");
  if (inputs.length === 0) throw new UsageError("expected a case to predict behind the run, got none");
  const { output, summary, png, html, field } = values;
  const forces = readForceOptions(values, names);
  if ([output, summary, png, html].every((path) => path === undefined) && forces === null)
    throw new UsageError("expected -o OUT: where the fields go (or --summary, --png, --html, --forces)");
  if (inputs.length > 1) {
    for (const [name, path] of Object.entries({ output, png, html }))
      if (path !== undefined && /\.\w+$/.test(path))
        throw new UsageError(`--${name}: expected a folder for ${inputs.length} cases, got ${path}`);
  }
  if (values.cells && values.points) throw new UsageError("expected one of --cells and --points, got both");
  const { checkpoint, weights, device, dtype, project, dataset, seed } = values;
  return {
    run,
    inputs,
    outputs: { output, summary, png, html, field },
    load: given({ checkpoint, weights, device, dtype, project, dataset }),
    files: given({
      domains: pairs("domain", values.domain),
      fields: pairs("map", values.map),
      conditions: conditions(values.set),
      location: values.cells ? ("cells" as const) : values.points ? ("points" as const) : undefined,
      plane: values.plane,
      time: values.time,
    }),
    predict: given({ seed, chunkSize: values["chunk-size"] }),
    forces,
  };
}

function pairs(name: string, given: readonly string[]): Record<string, string> | undefined {
  if (given.length === 0) return undefined;
  const entries = given.map((pair) => {
    const [, key, value] = /^([^=]+)=(.+)$/s.exec(pair) ?? [];
    if (key === undefined || value === undefined) throw new UsageError(`--${name}: expected NAME=VALUE, got "${pair}"`);
    return [key, value] as const;
  });
  const twice = entries.find(([key], i) => entries.findIndex(([other]) => other === key) !== i);
  if (twice) throw new UsageError(`--${name}: "${twice[0]}" is given twice`);
  return Object.fromEntries(entries);
}

function conditions(given: readonly string[]): Record<string, number[]> | undefined {
  const entries = pairs("set", given);
  if (entries === undefined) return undefined;
  return Object.fromEntries(
    Object.entries(entries).map(([key, value]) => [key, value.split(",").map((part) => numberOf(`set ${key}`, part))]),
  );
}

function timeOf(given: string): number | "first" | "latest" | undefined {
  if (given === "first" || given === "latest") return given;
  return given.trim() !== "" && Number.isFinite(Number(given)) ? Number(given) : undefined;
}
