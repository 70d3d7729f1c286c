import {
  areDeterministicAlgorithmsEnabled,
  getFloat32MatmulPrecision,
  isDeterministicAlgorithmsWarnOnlyEnabled,
  kthvalue,
  rand,
  setFloat32MatmulPrecision,
  tensor,
  useDeterministicAlgorithms,
  zeros,
} from "../../lib/torch";

afterEach(() => useDeterministicAlgorithms(false));

test("determinism is off, on, or warns", () => {
  const state = () => [areDeterministicAlgorithmsEnabled(), isDeterministicAlgorithmsWarnOnlyEnabled()];
  expect(state()).toEqual([false, false]);
  useDeterministicAlgorithms(true);
  expect(state()).toEqual([true, false]);
  useDeterministicAlgorithms(true, { warnOnly: true });
  expect(state()).toEqual([true, true]);
});

test("an operator without such an algorithm throws only where determinism is on", () => {
  const put = () => zeros([3]).put_(tensor([0n, 0n]), rand([2]));
  put();
  useDeterministicAlgorithms(true);
  expect(put).toThrow(/does not have a deterministic implementation/);
  expect(() => kthvalue(rand([3]), 1)).not.toThrow();
});

test("the precision of float32 products is PyTorch's", () => {
  expect(getFloat32MatmulPrecision()).toBe("highest");
  try {
    setFloat32MatmulPrecision("high");
    expect(getFloat32MatmulPrecision()).toBe("high");
  } finally {
    setFloat32MatmulPrecision("highest");
  }
  expect(() => setFloat32MatmulPrecision("low" as "high")).toThrow(/expected "highest", "high" or "medium"/);
});
