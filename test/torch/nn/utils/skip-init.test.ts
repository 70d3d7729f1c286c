import { getRngState, nn } from "../../../../lib/torch";

test("makes a module of its arguments and options without a random number", () => {
  const before = getRngState();
  const linear = nn.utils.skipInit(nn.Linear, 3, 2, { bias: false, dtype: "float64" });
  expect([linear.weight.device, linear.weight.dtype, linear.bias, linear.weight.shape]).toEqual([
    "cpu",
    "float64",
    null,
    [2, 3],
  ]);
  expect(linear.weight.requiresGrad).toBe(true);
  expect(nn.utils.skipInit(nn.Conv1d, 3, 2, 1).weight.device).toBe("cpu");
  expect(getRngState()).toEqual(before);
});

test("refuses a class that takes no device", () => {
  expect(() => nn.utils.skipInit(nn.ReLU)).toThrow('unknown option "device"');
});
