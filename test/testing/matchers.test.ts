import "../../lib/testing";
import { ones, tensor, type Tensor } from "../../lib/torch";

const x = tensor([1, 2]);

function failure(compare: () => void): string {
  try {
    compare();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("expected the matcher to fail");
}

test("toEqualTensor compares with tensors and with values", () => {
  expect(x).toEqualTensor(tensor([1, 2]));
  expect(x).toEqualTensor([1, 2]);
  expect(x).not.toEqualTensor([1, 3]);
  expect(x).not.toEqualTensor(tensor([1, 2], { dtype: "float64" }));
  expect({ x }).toEqual({ x: expect.anything() as unknown });
  expect(failure(() => expect(x).toEqualTensor([1, 3]))).toBe(
    "expected the tensor tensor([1., 3.]) (float32, shape [2], cpu)\n     got tensor([1., 2.]) (float32, shape [2], cpu)",
  );
});

test("toBeCloseToTensor compares within tolerances", () => {
  expect(x).toBeCloseToTensor([1.000001, 2]);
  expect(x).not.toBeCloseToTensor([1.1, 2]);
  expect(x).toBeCloseToTensor([1.1, 2], { rtol: 0.1, atol: 0.01 });
  expect(failure(() => expect(x).toBeCloseToTensor([1.5, 2]))).toContain("greatest absolute difference: 0.5 at [0]");
  expect(failure(() => expect(x).not.toBeCloseToTensor([1, 2]))).toContain("expected tensors that differ");
});

test("something else than a tensor is refused, and a tensor that is gone is no reason to crash", () => {
  expect(() => expect([1, 2]).toEqualTensor(x)).toThrow("toEqualTensor: expected a tensor to compare, got [1, 2]");
  const gone: Tensor = ones([1]);
  gone.dispose();
  expect(failure(() => expect(gone).toEqualTensor([1]))).toContain("got tensor(<disposed>)");
  expect(gone).not.toBeCloseToTensor([1]);
});
