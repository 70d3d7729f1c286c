import { SlurmConfig, toSrunArgs } from "../../../lib/training/runners/slurm";

describe("SlurmConfig", () => {
  test("flags in order of declaration", () => {
    const config = SlurmConfig.create({
      nodes: 1,
      cpus_per_task: 28,
      partition: "compute",
      gpus_per_node: 1,
      ntasks_per_node: 1,
      mem: "64GB",
      output: "/home/%u/logs/shapenet_car/%x_%j.out",
      nice: 0,
      job_name: "shapenet_experiment",
      env_path: ".venv/bin/activate",
    });
    expect(toSrunArgs(config)).toBe(
      "--job-name=shapenet_experiment --partition=compute --nodes=1 --ntasks-per-node=1 --cpus-per-task=28 --mem=64GB --gpus-per-node=1 --output=/home/%u/logs/shapenet_car/%x_%j.out --nice=0",
    );
  });
  test.each([
    [{ time: "12:00:00" }, true],
    [{ time: "1-12" }, true],
    [{ time: "unlimited" }, true],
    [{ time: 60 }, false],
    [{ time: "soon" }, false],
    [{ mem: "1.5T" }, true],
    [{ mem: "0" }, true],
    [{ mem: "64 GB" }, false],
    [{ gpus: "a100:2" }, true],
    [{ gpus: -1 }, false],
    [{ array: "1-20%10" }, true],
    [{ array: "a" }, false],
    [{ nodes: "2-4" }, true],
    [{ queue: "x" }, false],
  ])("%j", (input, expected) => {
    expect(SlurmConfig.safeParse(input).success).toBe(expected);
  });
});
