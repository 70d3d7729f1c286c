import { getLogger } from "../core/logging";
import { createServer, PredictionPool, type PoolOptions, type ServerOptions } from "../inference";
import { EXIT, printResult } from "./command";
import { provideOwnModules } from "./own-modules";

/** What `noether-ts serve` was asked for. */
export interface ServerRequest {
  /** Folder of the run. */
  readonly path: string;
  readonly host: string;
  readonly port: number;
  readonly options: ServerOptions;
  readonly pool: PoolOptions;
}

/** Serves until a signal comes. Importing this file loads libtorch. */
export async function runServer({ path, host, port, options, pool: poolOptions }: ServerRequest): Promise<number> {
  provideOwnModules();
  const pool = await PredictionPool.create(path, poolOptions);
  try {
    const server = await createServer(pool, options);
    const ended = untilSignal();
    const address = await server.listen({ host, port });
    printResult(
      `serving ${pool.run.identity.name} (${pool.run.identity.checkpoint}) on ${address} with ${pool.size} threads; Ctrl-C ends\n`,
    );
    const signal = await ended;
    getLogger("serve").info(`${signal}: answering what is under way (${pool.busy + pool.waiting}), then ending`);
    await server.close();
  } finally {
    await pool.close();
  }
  return EXIT.ok;
}

/** The first signal to end; the second ends the process. */
async function untilSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.once(signal, () => {
        resolve(signal);
        process.once(signal, () => process.exit(EXIT.failed));
      });
    }
  });
}
