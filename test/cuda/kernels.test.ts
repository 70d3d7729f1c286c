/** The kernels of `native/src/cuda` on a GPU; on the fake device, where kernels do nothing, only that operators work without them. */
import { native } from "../../lib/torch/addon";
import { testDevice } from "../support/device";
import { isFake, testOnFake } from "./device";
import { cases } from "./kernel-cases";

/** What the fake device, whose kernels do nothing, cannot tell. */
const testOnGpu = testDevice.startsWith("cuda") && !isFake ? test : test.skip;

testOnGpu("the library of kernels is loaded", () => {
  expect(native.cudaKernels()).toEqual({ available: true, problem: "" });
});

for (const { name, run } of cases) testOnGpu(name, run);

/** On the fake device values come from the CPU: the operators, their gradients and types are what is tested. */
const some = /500 points \(uniform|"tokens":7|33 × 130|33 segments|Lion|Muon/;
for (const { name, run } of cases.filter((entry) => some.test(entry.name))) testOnFake(name, run);
