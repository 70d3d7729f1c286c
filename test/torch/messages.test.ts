import {
  cat,
  cuda,
  grad,
  inferenceMode,
  linalg,
  nn,
  ones,
  optim,
  tensor,
  TorchError,
  versions,
  zeros,
  type Tensor,
} from "../../lib/torch";
import { explainMessage } from "../../lib/torch/messages";

const F = nn.functional;
const leaf = (...values: number[]): Tensor => tensor(values, { requiresGrad: true });
const made = (): Tensor => inferenceMode(() => ones([2]));

/** What people do wrong most often, and what they read then. */
const mistakes: [what: string, body: () => unknown, message: string | RegExp][] = [
  // devices and dtypes
  ["a device that there is not", () => zeros([2], { device: "gpu" }), 'zeros(): expected a device ("cpu", "cuda", "cuda:1", "meta"), got "gpu"'],
  ["another accelerator", () => zeros([2], { device: "mps" }), 'zeros(): expected a device of this build of libtorch ("cpu"), got "mps"'],
  ["data of a meta tensor", () => zeros([2], { device: "meta" }).toArray(), 'got one on the device "meta", which has only a shape'],
  ["matrices of two dtypes", () => new nn.Linear(2, 3).forward(ones([1, 2], { dtype: "float64" })), "must have the same dtype, but got float64 and float32: convert one with x.to(dtype)"],
  ["floats for indices", () => F.embedding(ones([1]), ones([2, 2])), "expected int64 or int32 for indices, got float32"],
  ["an index beyond the table", () => F.embedding(tensor([7n]), ones([2, 2])), "embedding(weight: float32 (2, 2), indices: int64 (1)): expected indices from 0 to the number of rows of weight"],
  ["an index beyond the tensor", () => ones([2, 2]).indexSelect(0, tensor([7n])), "indexSelect(self: float32 (2, 2), index: int64 (1)): expected entries of index from 0 to the size of self in that dimension, that excluded, got one outside"],
  ["an index beyond the tensor that is reduced", () => ones([2]).indexReduce(0, tensor([-3n]), ones([1]), "mean"), "source: float32 (1)): expected entries of index from 0 to the size of self"],
  ["an index beyond the tensor that is written", () => ones([2]).indexCopy(0, tensor([7n]), ones([1])), "source: float32 (1)): index 7 is out of bounds for dimension 0 with size 2"],
  ["a class beyond the classes", () => F.oneHot(tensor([5n]), 3), "Class values must be smaller than numClasses."],
  ["floats for classes", () => F.crossEntropy(ones([2, 3]), tensor([1, 2])), "int64"],
  ["floats for oneHot", () => F.oneHot(tensor([1, 2])), "oneHot expects int64, for instance tensor([0n, 1n]) or x.long()"],
  ["an operator that a dtype lacks", () => tensor([{ re: 1, im: 2 }]).gt(0), "expected a dtype that gt is implemented for, got complex64"],
  ["a fraction into integers", () => tensor([1n]).div_(2), "result type float32 can't be cast to the desired output type int64"],
  ["the mean of integers", () => tensor([1n]).mean(), "Got: int64"],
  ["half precision where there is none", () => linalg.inv(ones([2, 2], { dtype: "float16" })), "Got float16"],

  // autograd
  ["backward twice", () => { const y = leaf(1).square().sum(); y.backward(); y.backward(); }, "backward: the graph was freed by an earlier backward pass: to go through it a second time, pass { retainGraph: true } to the first"],
  ["backward of several elements", () => leaf(1, 2).mul(2).backward(), "backward: a gradient of 1 is implied for scalar outputs only (one element): reduce the result with sum() or mean()"],
  ["backward without a graph", () => ones([1]).backward(), "backward: the result does not require gradients"],
  ["an input that is not used", () => grad(leaf(1).sum(), leaf(1)), "pass { allowUnused: true } to get null as its gradient"],
  ["an input without gradients", () => grad(leaf(1).sum(), ones([1])), "expected inputs that require gradients, got one that does not"],
  ["a leaf in place", () => leaf(1).add_(1), "got a leaf that requires gradients: write inside noGrad(() => …)"],
  ["a view of a leaf in place", () => leaf(1, 2).index(0).add_(1), "got a view of a leaf that requires gradients"],
  ["a value that backward needs in place", () => { const y = leaf(1).exp(); const z = y.sum(); y.add_(1); z.backward(); }, "was modified by an inplace operation after it was used: the float32 result of Exp, shape [1], is at version 1, expected 0. Use the operator without underscore, or write to a clone()"],
  ["one of several views in place", () => leaf(1, 2).mul(1).chunk(2)[0]!.add_(1), "cannot be written in place: clone() it first"],
  ["integers with gradients", () => tensor([1n], { requiresGrad: true }), 'only tensors of floating point or complex dtype can require gradients: convert first, x.to("float32")'],
  ["requiresGrad of a result", () => leaf(1).mul(2).requiresGrad_(false), "only leaf tensors can stop requiring gradients: use detach()"],
  ["retainGrad without gradients", () => ones([1]).retainGrad(), "expected a tensor that requires gradients for retainGrad()"],
  ["a hook without gradients", () => ones([1]).registerHook(() => null), "expected a tensor that requires gradients for a hook"],
  ["an inference tensor in autograd", () => made().mul(leaf(1, 2)), "a tensor made in inferenceMode() cannot take part in autograd: clone() it outside"],
  ["an inference tensor in place", () => made().add_(1), "a tensor made in inferenceMode() cannot be written outside of it: clone() it first"],
  ["an inference tensor with gradients", () => made().requiresGrad_(), "a tensor made in inferenceMode() cannot require gradients"],
  ["a gradient of another shape", () => void (leaf(1, 2).grad = ones([3])), "expected a gradient of the tensor's shape, float32 (2), got float32 (3)"],

  // shapes and values: libtorch's words, behind what was called with what
  ["shapes that do not broadcast", () => ones([2, 2]).add(ones([3])), "add(self: float32 (2, 2), other: float32 (3)): The size of tensor a (2) must match the size of tensor b (3)"],
  ["a product of the wrong sizes", () => new nn.Linear(3, 4).forward(ones([2, 2])), "mat1 and mat2 shapes cannot be multiplied (2x2 and 3x4)"],
  ["a shape of another size", () => ones([2, 2]).reshape([3]), "reshape(self: float32 (2, 2)): shape '[3]' is invalid for input of size 4"],
  ["a view that needs a copy", () => ones([2, 3]).t().view([6]), "Use .reshape(...) instead."],
  ["channels that do not fit", () => new nn.Conv2d(3, 4, 3).forward(zeros([1, 2, 8, 8])), "expected input[1, 2, 8, 8] to have 3 channels, but got 2 channels instead"],
  ["lists of different shapes", () => cat([ones([2, 2]), ones([3, 3])]), "cat(): Sizes of tensors must match except in dimension 0."],
  ["a negative length", () => zeros([-1]), "zeros(): Dimension size must be non-negative."],
  ["a dimension out of range", () => ones([3]).transpose(0, 1), "transpose(self: float32 (3)): Dimension out of range (expected to be in range of [-1, 0], but got 1)"],
  ["an index out of range", () => ones([2]).select(0, 5), "select(self: float32 (2)): index 5 out of range for tensor of size [2] at dimension 0"],
  ["the item of several", () => ones([2]).item(), "expected a tensor with one element for item(), got float32 (2): use toArray()"],
  ["a singular matrix", () => linalg.inv(zeros([2, 2])), "the input matrix is singular"],
  ["more memory than there is", () => zeros([1e6, 1e7]), /zeros\(\): (out of memory: 40000000000000 bytes were asked for|.*[Ss]torage)/],
  ["a step of a tensor that is gone", () => { const p = leaf(1); const o = new optim.SGD([p], { lr: 1 }); p.dispose(); o.step(); }, "SGD.step: expected a live tensor"],
]; // prettier-ignore

test.each(mistakes)("%s", (_, body, message) => {
  let error: unknown;
  try {
    body();
  } catch (caught) {
    error = caught;
  }
  expect(error).toBeInstanceOf(TorchError);
  const text = (error as Error).message;
  if (typeof message === "string") expect(text).toContain(message);
  else expect(text).toMatch(message);
  // nothing of Python's or C++'s spelling, and one sentence where libtorch prints a page
  expect(text).not.toMatch(
    /requires_grad|retain_graph|=True|\.cpp|registered at|Exception raised|Facebook|Variable|Long|Double/,
  );
  expect(text.length).toBeLessThan(330);
});

const cudaIsThere = versions().cudaLinked;

(cudaIsThere ? test.skip : test)("CUDA where only the CPU is linked names the set-up that brings it", () => {
  for (const body of [
    () => zeros([2], { device: "cuda" }),
    () => ones([2]).to("cuda:0"),
    () => tensor([1], { device: "cuda" }),
    () => tensor([1]).pinMemory(),
  ])
    expect(body).toThrow(
      "expected a CUDA device, got none: this build of libtorch has no CUDA: set-up with --variant cu130 fetches one that has (npx noether-ts doctor shows what there is)",
    );
});

describe("messages that this machine cannot bring about", () => {
  test.each([
    [
      "Could not run 'aten::cumsum' with arguments from the 'SparseCPU' backend. This could be because…\n\nCPU: registered at /x.cpp:1",
      "mm: expected tensors that cumsum is implemented for, got sparse ones (x.toDense() makes dense ones)",
    ],
    [
      "Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu! (when checking argument for argument mat2 in method wrapper_CUDA_mm)",
      "mm: expected all tensors on the same device, got cuda:0 and cpu: move them with x.to(device)",
    ],
    [
      "Expected all tensors to be on the same device, but got mat2 is on cpu, different from other tensors on cuda:0 (when checking argument in method wrapper_CUDA_mm)",
      "mm: expected all tensors on the same device, got mat2 on cpu and others on cuda:0: move them with x.to(device)",
    ],
    [
      "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.10 GiB of which…",
      expect.stringMatching(
        /^mm: CUDA out of memory\. Tried to allocate 2\.00 GiB\. What nobody holds was freed already: free tensors \(scope\), or make the batch smaller(\nmemory of cuda:0|$)/,
      ),
    ],
    [
      "Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU and installed a driver from http://www.nvidia.com/Download/index.aspx",
      `mm: expected a CUDA device, got none${cuda.isAvailable() ? "" : `: ${cuda.unavailableReason()}`} (npx noether-ts doctor shows what there is)`,
    ],
    [
      'tensor.defined() INTERNAL ASSERT FAILED at "/pytorch/aten/src/ATen/x.cpp":123, please report a bug to PyTorch. No data',
      "mm: internal error of libtorch: No data",
    ],
    ["expected scalar type Long but found Float", "mm: expected int64, got float32"],
  ])("%s", (message, expected: unknown) => {
    expect(explainMessage(message, "mm")).toEqual(expected);
  });
});

test("libtorch's own words stay in backtrace", () => {
  try {
    leaf(1).add_(1);
    throw new Error("expected an error");
  } catch (error) {
    expect((error as TorchError).backtrace).toContain("a leaf Variable that requires grad");
  }
});
