import assert from "node:assert";
import { isDeepStrictEqual } from "node:util";
import { nn, ones, tensor, zeros, type DType, type Tensor } from "../../lib/torch";

/** The message with which a comparison fails. */
function failure(compare: () => void): string {
  try {
    compare();
  } catch (error) {
    // eslint-disable-next-line no-control-regex -- colours
    return (error as Error).message.replaceAll(/\u001b\[\d+m/g, "");
  }
  throw new Error("expected the comparison to fail");
}

const COMPLEX = (): Tensor => tensor([{ re: 1, im: -2 }]);

const gone = (): Tensor => {
  const x = ones([1]);
  x.dispose();
  return x;
};

/** Pairs of equal tensors, and of different ones. */
const equal: [string, () => Tensor, () => Tensor][] = [
  ["the same values", () => tensor([1, 2]), () => tensor([1, 2])],
  ["NaN", () => tensor([NaN, 1]), () => tensor([0, 1]).div(tensor([0, 1]))],
  ["signs of zero", () => tensor([0]), () => tensor([0]).neg()],
  ["strides", () => tensor([[1, 2], [3, 4]]), () => tensor([[1, 3], [2, 4]]).t()],
  ["gradients", () => tensor([1], { requiresGrad: true }), () => tensor([1])],
  ["integers past 2^53", () => tensor([2n ** 60n]), () => tensor([2n ** 60n])],
  ["nothing in them", () => zeros([0, 2]), () => zeros([0, 2])],
  ["complex numbers", COMPLEX, COMPLEX],
  ["sparse layouts", () => tensor([0, 1]).toSparse(), () => tensor([0, 1]).toSparse()],
  ["no data at all", () => zeros([2], { device: "meta" }), () => zeros([2], { device: "meta" })],
  ...(["float16", "bfloat16", "float64", "int8", "uint8", "int32", "bool"] as DType[]).map(
    (dtype): [string, () => Tensor, () => Tensor] => [dtype, () => ones([2], { dtype }), () => ones([2], { dtype })],
  ),
]; // prettier-ignore
const different: [string, () => Tensor, () => Tensor][] = [
  ["values", () => tensor([1, 2]), () => tensor([1, 3])],
  ["values in the last bit", () => tensor([1]), () => tensor([1 + 2 ** -23])],
  ["values that the text leaves out", () => zeros([5000]), () => zeros([5000]).indexPut_([2500], 1)],
  ["shapes", () => zeros([2, 1]), () => zeros([1, 2])],
  ["shapes of nothing", () => zeros([0, 2]), () => zeros([0, 3])],
  ["dtypes", () => ones([1]), () => ones([1], { dtype: "float64" })],
  ["devices", () => zeros([2]), () => zeros([2], { device: "meta" })],
  ["layouts", () => tensor([0, 1]), () => tensor([0, 1]).toSparse()],
  ["integers past 2^53", () => tensor([2n ** 60n]), () => tensor([2n ** 60n + 1n])],
  ["life", () => ones([1]), gone],
];

describe.each([
  ["jest", (a: unknown, b: unknown) => void expect(a).toEqual(b), (a: unknown, b: unknown) => void expect(a).not.toEqual(b)],
  ["jest, strictly", (a: unknown, b: unknown) => void expect(a).toStrictEqual(b), (a: unknown, b: unknown) => void expect(a).not.toStrictEqual(b)],
  ["jest, a part", (a: unknown, b: unknown) => void expect({ a }).toMatchObject({ a: b }), (a: unknown, b: unknown) => void expect({ a }).not.toMatchObject({ a: b })],
  ["node:assert", (a: unknown, b: unknown) => void assert.deepStrictEqual(a, b), (a: unknown, b: unknown) => void assert.notDeepStrictEqual(a, b)],
  ["node:assert, loosely", (a: unknown, b: unknown) => void assert.deepEqual(a, b), (a: unknown, b: unknown) => void assert.notDeepEqual(a, b)],
])("%s", (_, same, other) => {
  test.each(equal)("finds tensors equal that have %s in common", (_, left, right) => {
    same(left(), right());
    same({ nested: [left()] }, { nested: [right()] });
    expect(() => other(left(), right())).toThrow();
  });

  test.each(different)("tells tensors apart by their %s", (_, left, right) => {
    other(left(), right());
    other({ nested: [left()] }, { nested: [right()] });
    expect(() => same(left(), right())).toThrow();
  });
}); // prettier-ignore

test("a tensor equals no array and no number", () => {
  expect(tensor([1, 2])).not.toEqual([1, 2]);
  expect(tensor(1)).not.toEqual(1);
  expect(isDeepStrictEqual(tensor([1]), [1])).toBe(false);
});

test("modules and state dicts compare by their values", () => {
  const [a, b] = [new nn.Linear(2, 2), new nn.Linear(2, 2)];
  expect(a.stateDict()).not.toEqual(b.stateDict());
  b.loadStateDict(a.stateDict());
  expect(a.stateDict()).toEqual(b.stateDict());
  expect(a).toEqual(b);
});

describe("the difference is readable", () => {
  const [left, right] = [tensor([[1, 2], [3, 4]]), tensor([[1, 2], [3, 5]])]; // prettier-ignore

  test("in Jest, also where tensors are nested", () => {
    for (const compare of [
      () => expect(left).toEqual(right),
      () => expect({ a: { b: left }, c: 1 }).toEqual({ a: { b: right }, c: 1 }),
      () => expect([left]).toStrictEqual([right]),
      () => expect([new nn.Parameter(left)]).toEqual([new nn.Parameter(right)]),
    ]) {
      const message = failure(compare);
      expect(message).toMatch(/^- .*\[3\., 5\.\]/m);
      expect(message).toMatch(/^\+ .*\[3\., 4\.\]/m);
      expect(message).not.toContain("handle");
    }
  });

  test("in Node", () => {
    const message = failure(() => assert.deepStrictEqual({ a: left }, { a: right }));
    expect(message).toMatch(/^\+ .*\[3\., 4\.\]/m);
    expect(message).toMatch(/^- .*\[3\., 5\.\]/m);
  });

  test("with all digits where four do not tell", () => {
    const message = failure(() => expect(tensor([1])).toEqual(tensor([1 + 2 ** -23])));
    expect(message).toContain("1.000000119");
  });

  test("for tensors that are gone", () => {
    expect(failure(() => expect(gone()).toEqual(left))).toContain("tensor(<disposed>)");
    expect(failure(() => expect([{ a: gone() }]).toEqual([{ a: left }]))).toContain("tensor(<disposed>)");
    expect(failure(() => expect([left]).toEqual([gone()]))).toContain("tensor(<disposed>)");
  });
});

test("a snapshot holds the values", () => {
  expect({ x: tensor([1, 2]) }).toMatchInlineSnapshot(`
{
  "x": "tensor([1., 2.])",
}
`);
});
