/** The processes of a run: joining those that a launcher started, or starting one for each device. */
import type { ComposedConfig } from "../../config";
import { isRank0 } from "../../core/distributed";
import { getLogger } from "../../core/logging";
import { cuda, distributed } from "../../torch";
import type { Accelerator } from "./config-schema";
import { runDevices } from "./devices";
import { launchProcesses } from "./launch";
import { loadRunConfig } from "./run-config";

/** Seconds that an operation waits for the other processes, where DISTRIBUTED_TIMEOUT_S says nothing. */
const TIMEOUT_S = 120;

/**
 * Starts a process for each device of a config that names several, and waits for their end.
 *
 * @returns false where the run has one device, or a launcher (torchrun, srun) has started the processes: nothing was done
 * @throws ConfigError, RuntimeError when a process fails
 */
export async function startProcesses(composed: ComposedConfig): Promise<boolean> {
  if (distributed.processEnvironment() !== null) return false;
  const { config } = await loadRunConfig(composed);
  const { accelerator, devices, master_port: masterPort } = config;
  const indices = runDevices(accelerator, devices);
  if (indices.length === 1) return false;
  // one that the config has drawn may be in use
  const isGiven = composed.plain["master_port"] !== undefined || process.env["MASTER_PORT"] !== undefined;
  await launchProcesses({ devices: indices, accelerator, masterPort: isGiven ? masterPort : null });
  return true;
}

/**
 * Runs `main` as one of the processes that a launcher started, in a group with the others; alone where there are none.
 *
 * @param device of this process
 */
export async function amongProcesses<T>(
  { accelerator, device }: { readonly accelerator: Accelerator; readonly device: string },
  main: () => Promise<T>,
): Promise<T> {
  const environment = distributed.processEnvironment();
  if (environment === null || environment.worldSize === 1) return main();
  if (device.startsWith("cuda:")) cuda.setDevice(device);
  await distributed.initProcessGroup({
    backend: accelerator === "gpu" && distributed.isNcclAvailable() ? "cpu:gloo,cuda:nccl" : "gloo",
    timeout: timeoutSeconds() * 1000,
  });
  if (isRank0()) getLogger("runner").info(`training with ${environment.worldSize} processes`);
  const result = await main();
  // After an error the group stays as it is: the end of this process tells the others.
  await distributed.destroyProcessGroup();
  return result;
}

function timeoutSeconds(): number {
  const text = process.env["DISTRIBUTED_TIMEOUT_S"];
  const seconds = text === undefined || text === "" ? TIMEOUT_S : Number(text);
  if (!(seconds > 0))
    throw new RangeError(`expected a number of seconds in DISTRIBUTED_TIMEOUT_S, got ${JSON.stringify(text)}`);
  return seconds;
}
