/** `noether-ts data preprocess`: raw public data sets to the files that the data sets of this package read. */
import { withSuggestion } from "../config/nearest-names";
import { statusLine } from "../core/logging/terminal";
import { EmmiWingHFDataset } from "../data/datasets/cfd/emmi-wing-hf";
import {
  preprocessCAEML,
  preprocessDrivAerNet,
  preprocessShapeNetCar,
  type PreprocessProgress,
} from "../data/datasets/preprocess";
import { EXIT } from "./command";
import { UsageError } from "./hydra-arguments";
import { commandLine, flag, integer, printHelp, readCommandLine, refuseNothing, text, type ValuesOf } from "./options";

const COMMAND = commandLine({
  usage: [
    "noether-ts data preprocess DATASET --root RAW --output-dir OUT [options]",
    "noether-ts data preprocess emmi-wing-hf --output-dir OUT",
  ],
  about: `Writes the files that a data set reads from those that its authors publish.
Raw data stay as they are; a sample appears when it is complete. Samples that
are there are kept, so that an interrupted call goes on (not shapenet-car).

Data sets, and what RAW has:
  shapenet-car  the unpacked param0 to param8
  ahmedml       run_<id> with boundary_<id>.vtp, volume_<id>.vtu, ahmed_<id>.stl
  drivaerml     run_<id> with boundary_<id>.vtp, volume_<id>.vtu (or its parts),
                drivaer_<id>.stl
  drivaernet    PressureVTK, WallShearStressVTK_Updated and CFD
  emmi-wing-hf  nothing: fetches the wings that are on Hugging Face`,
  sections: [
    {
      title: "Options:",
      options: {
        root: text({ value: "DIR", does: "the raw data" }),
        "output-dir": text({ value: "DIR", does: "where samples go" }),
        "subsample-factor": integer({
          ...{ value: "N", least: 1, default: 10 },
          does: "one of N cells (of a surface and a volume; of drivaernet: of N points of the volume) is kept; not for shapenet-car",
        }),
        "dry-run": flag({ does: "shapenet-car: reads and checks, writes nothing" }),
        overwrite: flag({ does: "shapenet-car: replaces samples that are there" }),
        "continue-on-error": flag({ does: "shapenet-car: goes on after a damaged simulation" }),
      },
    },
  ],
  end: `Exit codes: 0 done, 1 failed (also where a simulation could not be read),
2 bad usage.`,
});

type Values = ValuesOf<typeof COMMAND.options>;

/** Each data set with the options it has, besides `root` and `output-dir`. */
const DATASETS: Readonly<
  Record<string, { readonly options: readonly string[]; readonly run: (values: Values) => Promise<number> }>
> = {
  "shapenet-car": { options: ["root", "continue-on-error", "dry-run", "overwrite"], run: shapeNetCar },
  ahmedml: { options: ["root", "subsample-factor"], run: async (values) => caeml("ahmedml", values) },
  drivaerml: { options: ["root", "subsample-factor"], run: async (values) => caeml("drivaerml", values) },
  drivaernet: { options: ["root", "subsample-factor"], run: drivAerNet },
  "emmi-wing-hf": { options: [], run: emmiWing },
};

/** Runs the command; returns the exit code. */
export async function dataPreprocess(args: readonly string[]): Promise<number> {
  const read = readCommandLine(COMMAND, args);
  if (read === "help") return printHelp(COMMAND);
  const { values, words, given } = read;
  const [name, ...others] = words;
  if (name === undefined) return refuseNothing(COMMAND);
  if (others.length > 0) throw new UsageError(`expected one data set, received ${words.join(" ")}`);
  const dataset = Object.hasOwn(DATASETS, name) ? DATASETS[name]! : undefined;
  if (dataset === undefined)
    throw new UsageError(withSuggestion(`there is no data set "${name}" to preprocess`, name, Object.keys(DATASETS)));
  for (const option of ["output-dir", ...dataset.options.filter((each) => each === "root")])
    if (!given.has(option)) throw new UsageError(`expected --${option} for ${name}`);
  for (const option of given)
    if (option !== "output-dir" && !dataset.options.includes(option))
      throw new UsageError(`${name} has no option --${option}`);
  try {
    return await dataset.run(values);
  } finally {
    statusLine.hide();
  }
}

async function shapeNetCar(values: Values): Promise<number> {
  const errors = await preprocessShapeNetCar({
    ...folders(values),
    dryRun: values["dry-run"],
    overwrite: values.overwrite,
    continueOnError: values["continue-on-error"],
    onProgress: show,
  });
  statusLine.hide();
  for (const error of errors.values()) console.error(error.message);
  return errors.size > 0 ? EXIT.failed : EXIT.ok;
}

async function caeml(dataset: "ahmedml" | "drivaerml", values: Values): Promise<number> {
  await preprocessCAEML({ ...folders(values), dataset, subsampleFactor: values["subsample-factor"], onProgress: show });
  return EXIT.ok;
}

async function drivAerNet(values: Values): Promise<number> {
  const blacklist = await preprocessDrivAerNet({
    ...folders(values),
    subsampleFactorVolume: values["subsample-factor"],
    onProgress: show,
  });
  statusLine.hide();
  console.error(`${blacklist.length} designs are in blacklist.txt`);
  return EXIT.ok;
}

async function emmiWing(values: Values): Promise<number> {
  await EmmiWingHFDataset.download(values["output-dir"]!);
  return EXIT.ok;
}

function folders(values: Values): { root: string; outputDir: string } {
  return { root: values.root!, outputDir: values["output-dir"]! };
}

function show({ done, total, name }: PreprocessProgress): void {
  if (process.stderr.isTTY) statusLine.show(`${done}/${total} ${name}`);
}
