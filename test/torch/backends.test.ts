import { backends } from "../../lib/torch";

const { cuda, cudnn } = backends;

test.each([
  ["cuda.matmul.allowTf32", cuda.matmul, "allowTf32", false],
  ["cudnn.enabled", cudnn, "enabled", true],
  ["cudnn.benchmark", cudnn, "benchmark", false],
  ["cudnn.deterministic", cudnn, "deterministic", false],
  ["cudnn.allowTf32", cudnn, "allowTf32", true],
] as const)("%s has PyTorch's default, and can be set", (_name, holder, key, byDefault) => {
  const switches = holder as Record<string, unknown>;
  expect(switches[key]).toBe(byDefault);
  try {
    switches[key] = !byDefault;
    expect(switches[key]).toBe(!byDefault);
  } finally {
    switches[key] = byDefault;
  }
  expect(() => (switches[key] = 1)).toThrow(/expected a boolean for the value, got 1/);
});

test.each([
  ["flash", cuda.flashSdpEnabled, cuda.enableFlashSdp],
  ["memory-efficient", cuda.memEfficientSdpEnabled, cuda.enableMemEfficientSdp],
  ["math", cuda.mathSdpEnabled, cuda.enableMathSdp],
  ["cuDNN", cuda.cudnnSdpEnabled, cuda.enableCudnnSdp],
] as const)("attention may take the %s kernel unless that is switched off", (_name, enabled, enable) => {
  expect(enabled()).toBe(true);
  try {
    enable(false);
    expect(enabled()).toBe(false);
  } finally {
    enable(true);
  }
});

test("cuDNN has a version where it is there", () => {
  expect(cudnn.version() === null).toBe(!cudnn.isAvailable());
});
