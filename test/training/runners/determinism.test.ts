import { areDeterministicAlgorithmsEnabled, backends, useDeterministicAlgorithms } from "../../../lib/torch";
import { setDeterminism } from "../../../lib/training/runners/determinism";

const before = process.env["CUBLAS_WORKSPACE_CONFIG"];
beforeEach(() => delete process.env["CUBLAS_WORKSPACE_CONFIG"]);
afterEach(() => {
  backends.cudnn.benchmark = false;
  backends.cudnn.deterministic = false;
  useDeterministicAlgorithms(false);
  if (before === undefined) delete process.env["CUBLAS_WORKSPACE_CONFIG"];
  else process.env["CUBLAS_WORKSPACE_CONFIG"] = before;
});

const state = () => [
  backends.cudnn.benchmark,
  backends.cudnn.deterministic,
  areDeterministicAlgorithmsEnabled(),
  process.env["CUBLAS_WORKSPACE_CONFIG"],
];

test.each([
  ["cuda", true, false, [true, false, false, undefined]],
  ["cuda:1", false, false, [false, false, false, undefined]],
  ["cuda:1", false, true, [false, true, true, ":4096:8"]],
  ["cpu", true, false, [false, false, false, undefined]],
  ["cpu", false, true, [false, false, false, undefined]],
])("%s, benchmark %s, deterministic %s", (device, cudnn_benchmark, cudnn_deterministic, expected) => {
  setDeterminism({ cudnn_benchmark, cudnn_deterministic }, device);
  expect(state()).toEqual(expected);
});

test("a workspace that the user chose stays", () => {
  process.env["CUBLAS_WORKSPACE_CONFIG"] = ":16:8";
  setDeterminism({ cudnn_benchmark: false, cudnn_deterministic: true }, "cuda");
  expect(process.env["CUBLAS_WORKSPACE_CONFIG"]).toBe(":16:8");
});
