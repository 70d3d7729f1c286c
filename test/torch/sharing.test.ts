import { adoptTensor, shareTensor, tensor } from "../../lib/torch";

test("a parked tensor is taken over once and shares its memory", () => {
  const x = tensor([1, 2]);
  const shared = shareTensor(x);
  const y = adoptTensor(shared);
  y.mul_(3);
  expect(x.toArray()).toEqual([3, 6]);
  expect(() => adoptTensor(shared)).toThrow(expect.objectContaining({ code: "ERR_TICKET" }));
});

test("refuses a disposed tensor", () => {
  const x = tensor([1]);
  x.dispose();
  expect(() => shareTensor(x)).toThrow("shareTensor: expected a live tensor");
});
