import { userInfo } from "node:os";
import {
  hasSeveralTasks,
  sharedSlurmConfig,
  SlurmConfig,
  slurmFolder,
  SlurmSection,
} from "../../../lib/training/runners/slurm-config";

const problemsOf = (input: unknown) =>
  SlurmSection.safeParse(input).error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`) ?? [];

test("defaults", () => {
  expect(SlurmSection.parse({})).toMatchObject({ folder: "submitit_logs", timeout_min: 0, name: null, mem_gb: null });
});

test.each([
  [{ gpus_per_node: 2 }, true],
  [{ gpus_per_node: "a100:2" }, true],
  [{ gpus_per_node: -1 }, false],
  [{ gpus_per_node: "two" }, false],
  [{ nodes: "2-4" }, false],
  [{ mem_gb: 1.5 }, true],
  [{ timeout_min: -1 }, false],
  [{ folder: "logs/%u" }, true],
  [{ folder: "logs/%j" }, false],
  [{ folder: "logs/%x" }, false],
  [{ folder: "a\\b" }, false],
  [{ name: "two\nlines" }, false],
  [{ slurm_setup: ["module load cuda", "set -x"] }, true],
  [{ slurm_setup: "module load cuda" }, false],
  [{ slurm_additional_parameters: { account: "a b", exclusive: true, nice: 0 } }, true],
  [{ slurm_additional_parameters: { exclusive: false } }, false],
  [{ slurm_additional_parameters: { account: null } }, false],
  [{ slurm_additional_parameters: { account: ["a"] } }, false],
  [{ slurm_additional_parameters: { "x --wrap=y": 1 } }, false],
  [{ slurm_additional_parameters: { comment: "a\n#SBATCH --array=1" } }, false],
  [{ queue: "x" }, false],
])("%j", (input, expected) => {
  expect(problemsOf(input)).toHaveLength(expected ? 0 : 1);
});

test("a directive that has a key of its own names it", () => {
  expect(problemsOf({ slurm_additional_parameters: { cpus_per_task: 4, array: "1-3" } })).toEqual([
    "slurm_additional_parameters.cpus_per_task: expected no --cpus-per-task here: write it as cpus_per_task",
    expect.stringMatching(/^slurm_additional_parameters\.array: .*a sweep \(-m\) makes the array/),
  ]);
});

test("%u of the folder is the user's name", () => {
  const { username } = userInfo();
  expect(slurmFolder(SlurmConfig.create({ folder: "/logs/%u/%u" }))).toBe(`/logs/${username}/${username}`);
  expect(slurmFolder(SlurmConfig.create({ folder: "here" }))).toBe(`${process.cwd()}/here`);
});

test("the section that the tutorial of release 1.1 has", () => {
  const section = SlurmSection.parse({
    nodes: 1,
    cpus_per_task: 28,
    partition: "compute",
    gpus_per_node: 1,
    ntasks_per_node: 1,
    mem: "64GB",
    output: "/home/%u/logs/shapenet_car/%x_%j.out",
    nice: 0,
    job_name: "shapenet_experiment",
    chdir: null,
  });
  expect(section).toEqual({
    ...SlurmConfig.create({}),
    nodes: 1,
    cpus_per_task: 28,
    slurm_partition: "compute",
    gpus_per_node: 1,
    tasks_per_node: 1,
    mem_gb: 64,
    name: "shapenet_experiment",
    slurm_additional_parameters: { output: "/home/%u/logs/shapenet_car/%x_%j.out", nice: 0 },
  });
});

describe("what the runs of a sweep share", () => {
  const config = (input: object) => SlurmConfig.create(input);
  const share = (...sections: (SlurmConfig | null)[]) =>
    sharedSlurmConfig(
      sections,
      sections.map((_, index) => `run ${index}`),
    );

  test("equal sections are one", () => {
    expect(share(config({ mem_gb: 1 }), config({ mem_gb: 1 }))).toEqual(config({ mem_gb: 1 }));
  });
  test("none", () => expect(() => share(null)).toThrow(/^slurm: expected a section .*slurm_partition: gpu/));
  test.each([[config({ mem_gb: 2 })], [null]])("another one is refused with its run", (other) => {
    expect(() => share(config({ mem_gb: 1 }), config({ mem_gb: 1 }), other)).toThrow(
      /^slurm: expected the same section.*run 2$/,
    );
  });
  test.each([{ nodes: 2 }, { tasks_per_node: 4 }, { slurm_additional_parameters: { ntasks: 8 } }])(
    "several tasks: %j",
    (input) => {
      expect(hasSeveralTasks(config(input))).toBe(true);
      expect(share(config(input))).toBeDefined();
    },
  );
  test("one task", () => {
    const one = config({ nodes: 1, tasks_per_node: 1, slurm_additional_parameters: { ntasks: 1 } });
    expect(hasSeveralTasks(one)).toBe(false);
  });
});
