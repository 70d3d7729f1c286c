import { fairCpuCount } from "../../../lib/data/container/cpu-count";

let processors = 1;
let devices = 0;
jest.mock("node:os", () => ({
  ...jest.requireActual<object>("node:os"),
  availableParallelism: () => processors,
}));
jest.mock("../../../lib/torch/cuda/availability", () => ({
  ...jest.requireActual<object>("../../../lib/torch/cuda/availability"),
  deviceCount: () => devices,
}));

const environment = process.env;
afterEach(() => (process.env = environment));

/** The count on a machine, with what Slurm says, if anything. */
function count(cpus: number, gpus: number, slurm: Record<string, string> = {}): number {
  [processors, devices] = [cpus, gpus];
  const others = Object.entries(environment).filter(([name]) => !name.startsWith("SLURM_"));
  process.env = { ...Object.fromEntries(others), ...slurm };
  return fairCpuCount();
}

describe("fairCpuCount", () => {
  test.each([
    [32, 4, 7],
    [4, 4, 0],
    [2, 4, 0],
    [20, 2, 9],
    [16, 1, 15],
    [12, 0, 11],
    [1, 0, 0],
  ])("%i processors and %i GPUs: %i", (cpus, gpus, expected) => expect(count(cpus, gpus)).toBe(expected));

  const managed = { SLURM_PROCID: "0" };
  test("of Slurm: the processors of a task", () => {
    expect(count(64, 1, { ...managed, SLURM_CPUS_PER_TASK: "10", SLURM_NTASKS_PER_NODE: "1" })).toBe(9);
  });
  test("of Slurm: the processors of the node, by its tasks", () => {
    expect(count(128, 8, { ...managed, SLURM_CPUS_ON_NODE: "64", SLURM_NTASKS_PER_NODE: "8" })).toBe(7);
  });
  test("of Slurm, which says nothing about processors: those of the machine", () => {
    expect(count(20, 2, managed)).toBe(9);
  });
  test("outside of a job what Slurm says does not count", () => {
    expect(count(20, 2, { SLURM_CPUS_PER_TASK: "3" })).toBe(9);
  });
  test.each([
    ["123", 122],
    [" 123 ", 122],
    ["", 9],
    ["many", 9],
    ["12.5", 9],
    ["12(x2)", 9],
  ])("SLURM_CPUS_PER_TASK=%j", (value, expected) => {
    expect(count(20, 2, { ...managed, SLURM_CPUS_PER_TASK: value })).toBe(expected);
  });
});
