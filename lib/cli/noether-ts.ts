#!/usr/bin/env node
/** `noether-ts`: one command, many subcommands. Training and evaluation have commands of their own. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { packageRoot } from "../torch/loader";
import { EXIT } from "./command";
import { dashboard } from "./dashboard";
import { data } from "./data";
import { development } from "./development";
import { doctor } from "./doctor";
import { evaluate } from "./evaluate";
import { exportCommand } from "./export";
import { init } from "./init";
import { predict } from "./predict";
import { schema } from "./schema";
import { serve } from "./serve";
import { runSubcommand, type Subcommands } from "./subcommands";
import { submitJob } from "./submit-job";
import { tracker } from "./tracker";

/** A subcommand is one entry here, and a file `<name>.ts` next to this one if it is more than a line. */
const subcommands: Subcommands = {
  init: { does: "make a project that trains at once", run: init },
  development: { does: "a dry pass through a config, with everything printed", run: development },
  "train-submit-job": { does: "give runs to Slurm", run: submitJob },
  predict: { does: "fields of cases from a trained run, errors, forces, pictures", run: predict },
  serve: { does: "answer predictions of a run over HTTP", run: serve },
  dashboard: { does: "curves, configs and pictures of runs in a browser", run: dashboard },
  evaluate: { does: "errors of a run on a data set, with a report", run: evaluate },
  export: { does: "a run, or its weights, in one file", run: exportCommand },
  tracker: { does: "send metrics that a tracking service did not get", run: tracker },
  // it sets the exit code itself
  data: { does: "what files hold, statistics of a data set", run: async (args) => (await data(args), EXIT.ok) },
  schema: { does: "the JSON schema of configs, for editors", run: schema },
  doctor: { does: "what is installed, whether it works, what to do if not", run: doctor },
  setup: {
    does: "find or fetch libtorch, compile the addon if need be",
    run: (args) => {
      const script = join(packageRoot(), "scripts", "setup.mjs");
      return spawnSync(process.execPath, [script, "--native", ...args], { stdio: "inherit" }).status ?? EXIT.failed;
    },
  },
};

const more = ` Training and evaluation have commands of their own:
noether-train --help, noether-eval --help`;

void runSubcommand("noether-ts", subcommands, more, process.argv.slice(2));
