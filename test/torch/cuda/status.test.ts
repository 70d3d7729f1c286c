import { explainStatus, versionText } from "../../../lib/torch/cuda/status";
import type { CudaStatus } from "../../../lib/torch/native";

const none: CudaStatus = {
  built: true,
  devices: 0,
  runtimeVersion: 13000,
  cudnnVersion: 0,
  driverFound: true,
  driverVersion: 13000,
  driverFailure: 0,
};

describe("why there is no CUDA device", () => {
  test.each([
    [
      "a libtorch of the CPU",
      { ...none, built: false, driverFound: false },
      undefined,
      /libtorch has no CUDA: set-up with --variant cu130/,
    ],
    ["no driver", { ...none, driverFound: false }, undefined, /no NVIDIA driver \(libcuda\.so\.1\): install one/],
    ["no GPU", { ...none, driverFailure: 100 }, undefined, /driver shows no GPU: see what nvidia-smi lists/],
    ["GPUs that are hidden", { ...none, driverFailure: 100 }, "", /no GPU under CUDA_VISIBLE_DEVICES=""/],
    ["numbers of GPUs that are not there", none, "7", /no GPU under CUDA_VISIBLE_DEVICES="7"/],
    [
      "an old driver",
      { ...none, driverVersion: 12040 },
      undefined,
      /runs CUDA up to 12\.4, and libtorch needs 13\.0: install a newer/,
    ],
    ["a driver that fails", { ...none, driverFailure: 999 }, undefined, /does not start \(error 999 of cuInit\)/],
  ] as const)("%s", (_name, status, visible, expected) => {
    expect(explainStatus(status, visible)).toMatch(expected);
  });

  test("a device that is there needs no reason", () => {
    expect(explainStatus({ ...none, devices: 1 })).toBeNull();
  });

  test("versions of CUDA are read as NVIDIA writes them", () => {
    expect([13000, 12040, 11080].map(versionText)).toEqual(["13.0", "12.4", "11.8"]);
  });
});
