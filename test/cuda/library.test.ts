/** The library of CUDA code (`native/src/cuda`), where `run.mjs` could build it. */
import { native } from "../../lib/torch/addon";
import { testOnFake } from "./device";

const built = process.env.NOETHER_CUDA_TEST_LIBRARY !== undefined;

testOnFake(`is ${built ? "loaded" : "said to be missing"}`, () => {
  const { available, problem } = native.cudaKernels();
  expect({ available, problem }).toEqual({
    available: built,
    problem: built ? "" : expect.stringContaining("libnoether_cuda"),
  });
});
