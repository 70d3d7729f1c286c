/** A Slurm of one node, for the time of a test: `slurmctld` and `slurmd` of Debian's slurm-wlm, in a folder of their own. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port";

/** A running Slurm. */
export interface Slurm {
  /** For `srun`, `sbatch` and `sinfo`. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** With the folders of daemons. */
const SYSTEM = { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` };

/** Why none can be started here; null: one can. Its daemons want root. */
export const withoutSlurm: string | null = reason();

function reason(): string | null {
  if (process.platform !== "linux") return "Slurm runs on Linux";
  if (process.getuid?.() !== 0) return "slurmd needs root";
  const missing = ["slurmctld", "slurmd", "srun", "sinfo"].filter(
    (program) => spawnSync(program, ["-V"], { env: SYSTEM }).error !== undefined, // without a configuration -V fails, too
  );
  return missing.length === 0 ? null : `not installed: ${missing.join(", ")} (Debian: slurm-wlm)`;
}

/** Starts the daemons, and waits until the node takes jobs. */
export async function startSlurm(): Promise<Slurm> {
  const folder = mkdtempSync(join(tmpdir(), "noether-slurm-"));
  const path = (...parts: string[]): string => join(folder, ...parts);
  for (const name of ["state", "spool"]) mkdirSync(path(name));
  const node = hostname().split(".")[0]!;
  const [controlPort, nodePort] = [await freePort(), await freePort()];
  writeFileSync(
    path("slurm.conf"),
    `ClusterName=noether
SlurmctldHost=${node}(127.0.0.1)
SlurmctldPort=${controlPort}
SlurmdPort=${nodePort}
SlurmUser=root
SlurmdUser=root
AuthType=auth/none
CredType=cred/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
StateSaveLocation=${path("state")}
SlurmdSpoolDir=${path("spool")}
SlurmctldPidFile=${path("slurmctld.pid")}
SlurmdPidFile=${path("slurmd.pid")}
SlurmctldLogFile=${path("slurmctld.log")}
SlurmdLogFile=${path("slurmd.log")}
ReturnToService=2
NodeName=${node} NodeAddr=127.0.0.1 CPUs=${availableParallelism()} State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES State=UP
`,
  );
  const env = { ...SYSTEM, SLURM_CONF: path("slurm.conf") } as Record<string, string>;
  const daemons = [
    spawn("slurmctld", ["-D", "-c"], { env, stdio: "ignore" }),
    spawn("slurmd", ["-D"], { env, stdio: "ignore" }),
  ];
  const stop = async (): Promise<void> => {
    await Promise.all(daemons.map(ended));
    rmSync(folder, { recursive: true, force: true });
  };
  // srun itself waits for the node, but not for the daemons' start
  const end = Date.now() + 30_000;
  while (!/\bidle\b/.test(spawnSync("sinfo", ["-h", "-o", "%T"], { env, encoding: "utf8", timeout: 5000 }).stdout)) {
    if (Date.now() > end) {
      const logs = ["slurmctld.log", "slurmd.log"].map((name) => readFileSync(path(name), "utf8")).join("\n");
      await stop();
      throw new Error(`Slurm did not start:\n${logs}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return { env, stop };
}

async function ended(daemon: ChildProcess): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null) return;
  const end = once(daemon, "exit");
  daemon.kill("SIGTERM");
  await end;
}
