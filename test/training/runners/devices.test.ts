import { parseDevices, runDevice, runDevices } from "../../../lib/training/runners";

let mockDevices = 0;
jest.mock("../../../lib/torch/cuda/availability", () => ({
  ...jest.requireActual<object>("../../../lib/torch/cuda/availability"),
  deviceCount: () => mockDevices,
}));

describe("devices", () => {
  test.each([
    ["0", [0]],
    ["0,1", [0, 1]],
    ["3,2,1", [3, 2, 1]],
    ["0, 1", [0, 1]],
    ["0,", [0]],
    ["", []],
  ])("%p", (text, expected) => expect(parseDevices("gpu", text)).toEqual(expected));
  test.each([["a"], ["1.0"], ["[0,1]"], ["0,,1"]])("%p is refused", (text) => {
    expect(() => parseDevices("gpu", text)).toThrow(/devices: expected device indices/);
  });
  test("a process has one device; mps is none yet", () => {
    expect(runDevice("cpu", null)).toBe("cpu");
    expect(runDevices("cpu", "0,1")).toEqual([0, 1]);
    expect(() => runDevice("cpu", "0,1")).toThrow(
      /expected one device for one process, received 0,1: .* noether-train/,
    );
    expect(() => runDevice("cpu", "")).toThrow(/expected at least one device/);
    expect(() => runDevice("mps", null)).toThrow(/no Metal backend/);
  });

  test("indices count the GPUs that are visible, whatever their numbers in the machine", () => {
    // as CUDA shows them with CUDA_VISIBLE_DEVICES=2,3
    mockDevices = 2;
    expect([runDevices("gpu", null), runDevices("gpu", "1"), runDevice("gpu", "1")]).toEqual([[0, 1], [1], "cuda:1"]);
    expect(() => runDevices("gpu", "2")).toThrow("expected an index below 2, the number of visible GPUs, received 2");
    mockDevices = 0;
  });

  describe("of a process that a launcher started", () => {
    const before = { ...process.env };
    afterEach(() => {
      process.env = { ...before };
    });

    test("a list has as many devices as the machine has processes", () => {
      Object.assign(process.env, { RANK: "1", WORLD_SIZE: "2" });
      expect(runDevice("cpu", "0,1")).toBe("cpu");
      expect(() => runDevice("cpu", "0,1,2")).toThrow(/expected 2, one for each process of this machine/);
    });

    test("Slurm gives the devices itself", () => {
      Object.assign(process.env, { SLURM_PROCID: "0", SLURM_STEP_NUM_TASKS: "2" });
      expect(runDevice("cpu", null)).toBe("cpu");
      expect(() => runDevice("cpu", "0,1")).toThrow(/devices: expected none under Slurm/);
    });
  });
});
