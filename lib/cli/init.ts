/** `noether-init`, `noether-ts init`: makes a project that trains at once. */
import { relative } from "node:path";
import { ValueError } from "../config/python-errors";
import { suggestNames } from "../config/nearest-names";
import { EXIT, packageVersion } from "./command";
import { UsageError } from "./hydra-arguments";
import { createProject } from "./project-template";
import { readOptions } from "./read-options";

/** Values of `--tracker`: files of the project's `configs/tracker`. */
const TRACKERS = ["disabled", "tensorboard", "trackio", "wandb"];
const HARDWARE = ["gpu", "mps", "cpu"];

const OPTIONS = {
  tracker: { type: "string", short: "t" },
  hardware: { type: "string" },
  "project-dir": { type: "string", short: "d" },
  "wandb-entity": { type: "string" },
  version: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

const usage = `Usage: noether-init NAME [options]

Makes the folder NAME with a project that trains at once: configs, a data set
that computes a potential flow, a model, a trainer, a callback and a test.
Also: noether-ts init NAME [options]

Options:
  -t, --tracker NAME       ${TRACKERS.join(", ")}.
                           Default: disabled
      --hardware NAME      gpu: the best device there is (default), or cpu
  -d, --project-dir DIR    where the folder is made. Default: here
      --wandb-entity NAME  for the tracker wandb
      --version
  -h, --help

NAME begins with a letter; letters, digits, _ and - follow.
Exit codes: 0 done, 1 failed (also a bad name, or one that is there already),
2 bad usage.`;

/** Runs the command; returns the exit code. */
export function init(args: readonly string[]): number {
  const { values, positionals } = readOptions(args, OPTIONS, true);
  if (values.help || values.version) {
    console.log(values.help ? usage : packageVersion());
    return EXIT.ok;
  }
  const [name, ...others] = positionals;
  if (name === undefined) {
    console.error(usage);
    return EXIT.usage;
  }
  if (others.length > 0)
    throw new UsageError(`expected one name, received ${positionals.length}: ${positionals.join(" ")}`);
  checkName(name);
  const tracker = choice("--tracker", values.tracker ?? "disabled", TRACKERS);
  const hardware = choice("--hardware", values.hardware ?? "gpu", HARDWARE);
  if (hardware === "mps") throw new UsageError("--hardware mps is not implemented yet: there is no Metal backend");

  const { path, files } = createProject({
    name,
    parent: values["project-dir"] ?? ".",
    tracker,
    accelerator: hardware === "gpu" ? null : hardware,
    wandbEntity: values["wandb-entity"] ?? null,
  });
  console.log(`made ${path} (${files.length} files)
  tracker   ${tracker}
  hardware  ${hardware === "gpu" ? "the best there is" : hardware}

Next:
  cd ${relative(process.cwd(), path) || "."}
  npm install
  npm run train`);
  return EXIT.ok;
}

function checkName(name: string): void {
  if (!/^[A-Za-z][\w-]*$/.test(name))
    throw new ValueError(
      `expected a name that begins with a letter, then letters, digits, _ and -; received ${JSON.stringify(name)}`,
    );
  // npm refuses these as names of packages that depend on noether-ts
  if (["node_modules", "noether-ts"].includes(name.toLowerCase()))
    throw new ValueError(`expected another name than ${name}: npm keeps it for something else`);
}

function choice(option: string, value: string, names: readonly string[]): string {
  if (names.includes(value)) return value;
  throw new UsageError(`${option} has no "${value}"; ${suggestNames(value, names)}`);
}
