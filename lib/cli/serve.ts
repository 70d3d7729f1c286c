/** `noether-ts serve RUN`: an HTTP server that predicts. */
import { existsSync } from "node:fs";
import { FileNotFoundError, ValueError } from "../config/python-errors";
import { isLoopback } from "../inference/serving/loopback";
import { UsageError } from "./hydra-arguments";
import { commandLine, integer, printHelp, readCommandLine, text } from "./options";
import { given, LOAD_OPTIONS } from "./prediction-options";

const COMMAND = commandLine({
  usage: ["noether-ts serve RUN [options]"],
  about: `Loads a finished run and answers POST /predict with fields in physical units.
GET / is a page to look at them; /run, /healthz, /metrics and /openapi.json say
which run it is, whether it is well, what it has done, and how to ask.`,
  sections: [
    {
      options: {
        host: text({
          ...{ value: "NAME", default: "127.0.0.1" },
          does: "address to listen on: this machine alone; anything else needs a token",
        }),
        port: integer({ value: "NUMBER", least: 0, most: 65_535, default: 8080, does: "0: any free one" }),
        checkpoint: LOAD_OPTIONS.checkpoint,
        weights: LOAD_OPTIONS.weights,
        device: LOAD_OPTIONS.device,
        dtype: LOAD_OPTIONS.dtype,
        threads: integer({
          value: "NUMBER",
          least: 1,
          otherwise: "a core each, 8 at most",
          does: "predictions at a time",
        }),
        batch: integer({
          ...{ value: "NUMBER", least: 1, default: 8 },
          does: "small requests of the same shapes that wait are one batch of at most so many",
        }),
        shapes: text({
          value: "FILE",
          does: "module that makes cases from numbers: sliders on the page (docs/serving.md)",
        }),
        queue: integer({ value: "NUMBER", least: 0, default: 64, does: "requests that may wait; more get 429" }),
        timeout: integer({ value: "SECONDS", least: 1, default: 300, does: "of a prediction" }),
        "max-body": integer({ value: "MIB", least: 1, default: 256, does: "of a request" }),
        "max-points": integer({ value: "N", least: 1, default: 5_000_000, does: "of an input" }),
      },
    },
  ],
  end: `The token is read from NOETHER_SERVE_TOKEN; clients send
Authorization: Bearer TOKEN. Ctrl-C or SIGTERM ends the server when the requests
under way are answered; again: at once.

Exit codes: 0 ended by a signal, 1 failed, 2 bad usage.`,
});

export async function serve(args: readonly string[]): Promise<number> {
  const read = readCommandLine(COMMAND, args);
  if (read === "help") return printHelp(COMMAND);
  const { values, words } = read;
  const [path, ...others] = words;
  if (path === undefined || others.length > 0)
    throw new UsageError(`expected the folder of one run, got ${words.length === 0 ? "none" : words.join(" ")}`);
  const { host, port, checkpoint, weights, device, dtype, threads } = values;
  const token = process.env["NOETHER_SERVE_TOKEN"] || null;
  if (token === null && !isLoopback(host))
    throw new ValueError(
      `--host ${host} lets other machines in: set NOETHER_SERVE_TOKEN to a secret that they have to send`,
    );
  if (values.shapes !== undefined && !existsSync(values.shapes))
    throw new FileNotFoundError(`--shapes: expected a file, got ${values.shapes}, which is not there`);
  const options = {
    token,
    timeout: values.timeout,
    maxBody: values["max-body"] * 2 ** 20,
    maxPoints: values["max-points"],
    shapes: values.shapes ?? null,
  };
  // only now, so that a mistake shows at once; with extension, since a built file imports it natively
  const { runServer } = await import("./run-server.js");
  return runServer({
    ...{ path, host, port, options },
    pool: {
      maxBatch: values.batch,
      maxWaiting: values.queue,
      ...given({ threads, checkpoint, weights, device, dtype }),
    },
  });
}
