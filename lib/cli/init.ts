/** `noether-init`, `noether-ts init`: makes a project that trains at once. */
import { relative } from "node:path";
import { ValueError } from "../config/python-errors";
import { EXIT, packageVersion, printResult } from "./command";
import { UsageError } from "./hydra-arguments";
import { createProject } from "./project-template";
import { choice, commandLine, flag, printHelp, readCommandLine, refuseNothing, text } from "./options";

/** Values of `--tracker`: files of the project's `configs/tracker`. */
const TRACKERS = ["disabled", "tensorboard", "trackio", "wandb"] as const;
const HARDWARE = ["gpu", "mps", "cpu"] as const;

const COMMAND = commandLine({
  usage: ["noether-init NAME [options]"],
  about: `Makes the folder NAME with a project that trains at once: configs, a data set
that computes a potential flow, a model, a trainer, a callback and a test.
Also: noether-ts init NAME [options]`,
  sections: [
    {
      title: "Options:",
      options: {
        tracker: choice(TRACKERS, { short: "t", default: "disabled", does: "where metrics go" }),
        hardware: choice(HARDWARE, { default: "gpu", does: "gpu: the best device there is" }),
        "project-dir": text({ short: "d", value: "DIR", default: ".", does: "where the folder is made" }),
        "wandb-entity": text({ value: "NAME", does: "for the tracker wandb" }),
        version: flag({ does: "prints the version of this package" }),
      },
    },
  ],
  end: `NAME begins with a letter; letters, digits, _ and - follow.
Exit codes: 0 done, 1 failed (also a bad name, or one that is there already),
2 bad usage.`,
});

/** Runs the command; returns the exit code. */
export function init(args: readonly string[]): number {
  const read = readCommandLine(COMMAND, args);
  if (read === "help") return printHelp(COMMAND);
  const { values, words } = read;
  if (values.version) {
    printResult(`${packageVersion()}\n`);
    return EXIT.ok;
  }
  const [name, ...others] = words;
  if (name === undefined) return refuseNothing(COMMAND);
  if (others.length > 0) throw new UsageError(`expected one name, received ${words.length}: ${words.join(" ")}`);
  checkName(name);
  const { tracker, hardware } = values;
  if (hardware === "mps") throw new UsageError("--hardware mps: there is no Metal backend here; expected gpu or cpu");

  const { path, files } = createProject({
    name,
    parent: values["project-dir"],
    tracker,
    accelerator: hardware === "gpu" ? null : hardware,
    wandbEntity: values["wandb-entity"] ?? null,
  });
  printResult(`made ${path} (${files.length} files)
  tracker   ${tracker}
  hardware  ${hardware === "gpu" ? "the best there is" : hardware}

Next:
  cd ${relative(process.cwd(), path) || "."}
  npm install
  npm run train
`);
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
