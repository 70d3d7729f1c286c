/** `noether-ts dashboard [DIR]`: a page that shows runs, while they train and after. */
import { statSync } from "node:fs";
import { ValueError } from "../config/python-errors";
import { isLoopback } from "../inference/serving/loopback";
import { EXIT, printResult } from "./command";
import { UsageError } from "./hydra-arguments";
import { readOptions } from "./read-options";

const HELP = `Usage: noether-ts dashboard [DIR] [options]

Shows the runs below DIR (default: outputs) in a browser, while they train and
after: curves of many runs, configs and what differs, pictures, logs, tables of
sweeps. Runs of the Python framework are shown when they have ended.

      --host NAME    address to listen on (default 127.0.0.1: this machine
                     alone; anything else needs a token)
      --port NUMBER  (default 8090, or a free one where that is taken)
  -h, --help

The token is read from NOETHER_DASHBOARD_TOKEN; browsers open /?token=TOKEN
once. Runs are read only; the marks of runs are kept in DIR/.dashboard.json.
With +dashboard=true a run shows itself and its neighbours:
noether-train --help. Ctrl-C ends.

Exit codes: 0 ended by a signal, 1 failed, 2 bad usage.
`;

const OPTIONS = {
  help: { type: "boolean", short: "h" },
  host: { type: "string" },
  port: { type: "string" },
} as const;

export async function dashboard(args: readonly string[]): Promise<number> {
  const { values, positionals } = readOptions(args, OPTIONS, true);
  if (values.help) {
    printResult(HELP);
    return EXIT.ok;
  }
  if (positionals.length > 1) throw new UsageError(`expected one folder, got ${positionals.join(" ")}`);
  const [folder = "outputs"] = positionals;
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new UsageError(`expected a folder with runs, there is no folder ${folder}: noether-ts dashboard DIR`);
  const host = values.host ?? "127.0.0.1";
  const token = process.env["NOETHER_DASHBOARD_TOKEN"] || null;
  if (token === null && !isLoopback(host))
    throw new ValueError(`--host ${host} lets other machines in: set NOETHER_DASHBOARD_TOKEN to a secret`);
  // only now, so that a mistake shows at once; with extension, since a built file imports it natively
  const { runDashboard } = await import("./run-dashboard.js");
  return runDashboard({ folder, host, port: readPort(values.port), token });
}

/** Null: none was asked for. */
function readPort(text: string | undefined): number | null {
  if (text === undefined) return null;
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535)
    throw new UsageError(`--port: expected a number from 0 to 65535, got "${text}"`);
  return port;
}
