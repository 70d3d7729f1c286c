/** `noether-ts serve RUN`: an HTTP server that predicts. */
import { existsSync } from "node:fs";
import { FileNotFoundError, ValueError } from "../config/python-errors";
import { isLoopback } from "../inference/serving/loopback";
import { EXIT, printResult } from "./command";
import { UsageError } from "./hydra-arguments";
import { dtypeOf } from "./prediction-options";
import { readOptions } from "./read-options";

const HELP = `Usage: noether-ts serve RUN [options]

Loads a finished run and answers POST /predict with fields in physical units.
GET / is a page to look at them; /run, /healthz, /metrics and /openapi.json say
which run it is, whether it is well, what it has done, and how to ask.

      --host NAME        address to listen on (default 127.0.0.1: this machine
                         alone; anything else needs a token)
      --port NUMBER      (default 8080; 0: any free one)
      --checkpoint TAG   latest (default), best_model…, E10, U500
      --weights NAME     averaged weights: ema=0.9999
      --device NAME      cpu (default), cuda, cuda:1
      --dtype NAME       precision: float32 (default), float64
      --threads NUMBER   predictions at a time (default: a core each, 8 at
                         most)
      --batch NUMBER     small requests of the same shapes that wait are one
                         batch of at most so many (default 8)
      --shapes FILE      module that makes cases from numbers: sliders on the
                         page (docs/serving.md)
      --queue NUMBER     requests that may wait (default 64); more get 429
      --timeout SECONDS  of a prediction (default 300)
      --max-body MIB     of a request (default 256)
      --max-points N     of an input (default 5000000)

The token is read from NOETHER_SERVE_TOKEN; clients send
Authorization: Bearer TOKEN. Ctrl-C or SIGTERM ends the server when the requests
under way are answered; again: at once.

Exit codes: 0 ended by a signal, 1 failed, 2 bad usage.
`;

const OPTIONS = {
  help: { type: "boolean", short: "h" },
  host: { type: "string" },
  port: { type: "string" },
  checkpoint: { type: "string" },
  weights: { type: "string" },
  device: { type: "string" },
  dtype: { type: "string" },
  threads: { type: "string" },
  batch: { type: "string" },
  shapes: { type: "string" },
  queue: { type: "string" },
  timeout: { type: "string" },
  "max-body": { type: "string" },
  "max-points": { type: "string" },
} as const;

export async function serve(args: readonly string[]): Promise<number> {
  const { values, positionals } = readOptions(args, OPTIONS, true);
  if (values.help) {
    printResult(HELP);
    return EXIT.ok;
  }
  const [path, ...others] = positionals;
  if (path === undefined || others.length > 0)
    throw new UsageError(
      `expected the folder of one run, got ${positionals.length === 0 ? "none" : positionals.join(" ")}`,
    );
  const number = (
    name: "port" | "threads" | "batch" | "queue" | "timeout" | "max-body" | "max-points",
    least: number,
    fallback: number,
  ) => readNumber(`--${name}`, values[name], least, fallback);
  const host = values.host ?? "127.0.0.1";
  const token = process.env["NOETHER_SERVE_TOKEN"] || null;
  if (token === null && !isLoopback(host))
    throw new ValueError(
      `--host ${host} lets other machines in: set NOETHER_SERVE_TOKEN to a secret that they have to send`,
    );
  if (values.shapes !== undefined && !existsSync(values.shapes))
    throw new FileNotFoundError(`--shapes: expected a file, got ${values.shapes}, which is not there`);
  const port = number("port", 0, 8080);
  const dtype = dtypeOf(values.dtype);
  const options = {
    token,
    timeout: number("timeout", 1, 300),
    maxBody: number("max-body", 1, 256) * 2 ** 20,
    maxPoints: number("max-points", 1, 5_000_000),
    shapes: values.shapes ?? null,
  };
  // only now, so that a mistake shows at once; with extension, since a built file imports it natively
  const { runServer } = await import("./run-server.js");
  return runServer({
    ...{ path, host, port, options },
    pool: {
      ...(values.threads === undefined ? {} : { threads: number("threads", 1, 1) }),
      maxBatch: number("batch", 1, 8),
      maxWaiting: number("queue", 0, 64),
      ...(values.checkpoint === undefined ? {} : { checkpoint: values.checkpoint }),
      ...(values.weights === undefined ? {} : { weights: values.weights }),
      ...(values.device === undefined ? {} : { device: values.device }),
      ...(dtype === undefined ? {} : { dtype }),
    },
  });
}

function readNumber(name: string, text: string | undefined, least: number, fallback: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (text.trim() === "" || !Number.isInteger(value) || value < least)
    throw new UsageError(`${name}: expected a whole number of at least ${least}, got "${text}"`);
  return value;
}
