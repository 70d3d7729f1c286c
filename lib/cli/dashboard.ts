/** `noether-ts dashboard [DIR]`: a page that shows runs, while they train and after. */
import { statSync } from "node:fs";
import { ValueError } from "../config/python-errors";
import { isLoopback } from "../inference/serving/loopback";
import { UsageError } from "./hydra-arguments";
import { commandLine, integer, printHelp, readCommandLine, text } from "./options";

const COMMAND = commandLine({
  usage: ["noether-ts dashboard [DIR] [options]"],
  about: `Shows the runs below DIR (default: outputs) in a browser, while they train and
after: curves of many runs, configs and what differs, pictures, logs, tables of
sweeps. Runs of the Python framework are shown when they have ended.`,
  sections: [
    {
      options: {
        host: text({
          value: "NAME",
          default: "127.0.0.1",
          does: "address to listen on: this machine alone; anything else needs a token",
        }),
        port: integer({
          ...{ value: "NUMBER", least: 0, most: 65_535 },
          ...{ otherwise: "8090, or a free one where that is taken", does: "0: any free one" },
        }),
      },
    },
  ],
  end: `The token is read from NOETHER_DASHBOARD_TOKEN; browsers open /?token=TOKEN
once. Runs are read only; the marks of runs are kept in DIR/.dashboard.json.
With +dashboard=true a run shows itself and its neighbours:
noether-train --help. Ctrl-C ends.

Exit codes: 0 ended by a signal, 1 failed, 2 bad usage.`,
});

export async function dashboard(args: readonly string[]): Promise<number> {
  const read = readCommandLine(COMMAND, args);
  if (read === "help") return printHelp(COMMAND);
  const { values, words } = read;
  if (words.length > 1) throw new UsageError(`expected one folder, got ${words.join(" ")}`);
  const [folder = "outputs"] = words;
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new UsageError(`expected a folder with runs, there is no folder ${folder}: noether-ts dashboard DIR`);
  const { host } = values;
  const token = process.env["NOETHER_DASHBOARD_TOKEN"] || null;
  if (token === null && !isLoopback(host))
    throw new ValueError(`--host ${host} lets other machines in: set NOETHER_DASHBOARD_TOKEN to a secret`);
  // only now, so that a mistake shows at once; with extension, since a built file imports it natively
  const { runDashboard } = await import("./run-dashboard.js");
  return runDashboard({ folder, host, port: values.port ?? null, token });
}
