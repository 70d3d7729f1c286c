import { migrateSlurmKeys } from "../../../lib/config/migration/slurm";

test("a new section stays as it is", () => {
  const section = { folder: "logs", slurm_partition: "gpu", nodes: 2, queue: "left to the schema" };
  expect(migrateSlurmKeys(section)).toEqual({ section, changes: [], problems: [] });
});

// what sbatch's manual says of these forms
test.each([
  ["30", 30],
  ["10:30", 11],
  ["12:00:00", 720],
  ["00:00:01", 1],
  ["1-12", 2160],
  ["1-12:30", 2190],
  ["2-00:00:30", 2881],
  ["unlimited", 0],
  ["INFINITE", 0],
])("time %s is %d minutes", (time, expected) => {
  expect(migrateSlurmKeys({ time }).section).toEqual({ timeout_min: expected });
});

test.each([
  ["64GB", 64],
  ["64g", 64],
  ["512M", 0.5],
  ["1.5T", 1536],
  ["2048", 2],
  ["1048576K", 1],
  ["0", 0],
])("mem %s is %d GB", (mem, expected) => {
  expect(migrateSlurmKeys({ mem }).section).toEqual({ mem_gb: expected });
});

test.each([
  ["1-20%5", { slurm_array_parallelism: 5 }],
  ["0,2:4", { slurm_array_parallelism: null }],
])("array %s", (array, expected) => {
  expect(migrateSlurmKeys({ array }).section).toEqual(expected);
});

test.each([
  ["venv/bin/activate", "source venv/bin/activate"],
  ["$HOME/env.sh", "source $HOME/env.sh"],
  ["~/env.sh", "source ~/env.sh"],
  ["my env's/activate", "source 'my env'\\''s/activate'"],
])("env_path %s", (env_path, line) => {
  expect(migrateSlurmKeys({ env_path }).section).toEqual({ slurm_setup: [line] });
});

test("options without a key of their own join those that are there, which win", () => {
  const { section, changes } = migrateSlurmKeys({
    gres: "gpu:1",
    nice: 0,
    kill_on_invalid_dep: false,
    begin: null,
    slurm_additional_parameters: { nice: 5 },
  });
  expect(section).toEqual({
    slurm_additional_parameters: { gres: "gpu:1", nice: 5, kill_on_invalid_dep: "no" },
  });
  expect(changes).toEqual([
    { key: "gres", name: "slurm_additional_parameters.gres" },
    { key: "nice", name: "slurm_additional_parameters.nice" },
    { key: "kill_on_invalid_dep", name: "slurm_additional_parameters.kill_on_invalid_dep" },
  ]);
});

test("what has no counterpart is a problem of its key", () => {
  const { problems } = migrateSlurmKeys({ mem: "64 GB", time: 60, array: "a", partition: "x", slurm_partition: "y" });
  expect(problems).toEqual([
    { key: "mem", message: 'expected memory such as "64GB", or mem_gb instead' },
    { key: "time", message: 'expected a quoted time such as "1-12:00:00", or timeout_min instead' },
    { key: "array", message: 'expected job indices such as "1-20%5", or slurm_array_parallelism instead' },
    { key: "partition", message: '"partition" is an old name of "slurm_partition": give only one' },
  ]);
});
