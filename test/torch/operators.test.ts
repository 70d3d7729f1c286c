/** Values and gradients of operators against PyTorch: `fixtures/operators.json`, made by `fixtures/make_operators.py`. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as torch from "../../lib/torch";
import { camelCase } from "../../lib/torch/schema";
import { expectClose } from "./helpers";

type Encoded =
  | null
  | boolean
  | number
  | string
  | EncodedTensor
  | { readonly float: string }
  | { readonly re: number; readonly im: number }
  | readonly Encoded[];
interface EncodedTensor {
  readonly tensor: readonly (number | boolean | { readonly float: string })[];
  readonly shape: readonly number[];
  readonly dtype: torch.DType;
}
interface Case {
  readonly name: string;
  readonly args: readonly Encoded[];
  readonly kwargs: Readonly<Record<string, Encoded>>;
  readonly result: Encoded;
  readonly gradients?: readonly (EncodedTensor | null)[];
}

const { cases } = JSON.parse(readFileSync(join(__dirname, "fixtures", "operators.json"), "utf8")) as { cases: Case[] };

function isTensor(value: Encoded): value is EncodedTensor {
  return typeof value === "object" && value !== null && "tensor" in value;
}

function number(value: number | boolean | { readonly float: string }): number {
  return typeof value === "object" ? Number(value.float.replace("inf", "Infinity")) : Number(value);
}

/** Builds an argument; float and complex tensors are noted in `leaves`. */
function decode(value: Encoded, leaves: torch.Tensor[] | null): unknown {
  if (isTensor(value)) {
    const complex = value.dtype.startsWith("complex");
    const flat = value.tensor.map(number);
    const made = complex
      ? torch.fromTypedArray(Float32Array.from(flat), value.shape, { dtype: value.dtype })
      : torch.tensor(flat, { dtype: value.dtype }).reshape(value.shape);
    if (leaves && (complex || made.isFloatingPoint())) leaves.push(made);
    return made;
  }
  if (Array.isArray(value)) return value.map((entry: Encoded) => decode(entry, leaves));
  if (typeof value === "object" && value !== null && "float" in value) return number(value);
  return value;
}

/** Calls the operator as a user would: the function of that name, or the method where there is none. */
function call({ name, kwargs }: Case, args: unknown[], leaves: torch.Tensor[] | null): unknown {
  const path = name.replace("nn.functional.", "").split(".");
  const options = Object.fromEntries(
    Object.entries(kwargs).map(([key, value]) => [camelCase(key), decode(value, leaves)]),
  );
  const given = Object.keys(options).length > 0 ? [...args, options] : args;
  const holder = (path.length > 1 ? (torch as unknown as Record<string, unknown>)[path[0]!] : torch) as Record<
    string,
    (...args: unknown[]) => unknown
  >;
  return holder[camelCase(path.at(-1)!)]!(...given);
}

function compare(actual: unknown, expected: Encoded, dtype: string): void {
  if (isTensor(expected)) {
    const tensor = actual as torch.Tensor;
    expect(tensor.dtype).toBe(expected.dtype);
    expect(tensor.shape).toEqual(expected.shape);
    const values = Array.from(tensor.dataSync() as Float32Array, Number);
    expectClose(values, expected.tensor.map(number), expected.dtype === "float64" ? 1e-6 : 1e-5);
  } else if (Array.isArray(expected)) {
    expect(actual).toHaveLength(expected.length);
    expected.forEach((entry: Encoded, index) => compare((actual as unknown[])[index], entry, dtype));
  } else expect(actual).toEqual(expected);
}

const counts = new Map<string, number>();

describe.each(
  cases.map((entry): [string, Case] => {
    const count = (counts.get(entry.name) ?? 0) + 1;
    counts.set(entry.name, count);
    return [`${entry.name} #${count}`, entry];
  }),
)("%s", (_, entry) => {
  test("gives PyTorch's result and gradients", () => {
    torch.scope(() => {
      const leaves: torch.Tensor[] = [];
      const args = entry.args.map((argument) => decode(argument, leaves));
      if (entry.gradients) for (const leaf of leaves) leaf.requiresGrad_();
      const result = call(entry, args, leaves);
      compare(result, entry.result, "");
      if (!entry.gradients) return;
      const outputs = (Array.isArray(result) ? (result as unknown[]) : [result]).filter(
        (output): output is torch.Tensor => output instanceof torch.Tensor && output.requiresGrad,
      );
      const loss = outputs
        .map((output) => (output.isComplex() ? torch.viewAsReal(output.resolveConj()) : output).sum().to("float64"))
        .reduce((a, b) => a.add(b));
      const gradients = torch.grad(loss, leaves, { allowUnused: true });
      gradients.forEach((gradient, index) => {
        const expected = entry.gradients![index]!;
        if (expected === null) expect(gradient).toBeNull();
        else compare(gradient!.resolveConj(), expected, "");
      });
    });
  });
});

describe("functions that PyTorch writes in Python", () => {
  const { broadcastShapes, broadcastTensors, cartesianProd, einsum, tensor, unique } = torch;

  test("einsum takes tensors one by one or as a list", () => {
    const [a, b] = [tensor([[1, 2]]), tensor([[3], [4]])];
    expect([einsum("ij,jk->ik", a, b).item(), einsum("ij,jk->ik", [a, b]).item()]).toEqual([11, 11]);
    expect(() => einsum("ij,jk->ik", a)).toThrow(/operands/);
  });

  test("unique gives values, positions and counts", () => {
    const x = tensor([3, 1, 3]);
    expect(unique(x, { returnInverse: true, returnCounts: true }).map((part) => part.toArray())).toEqual([
      [1, 3],
      [1, 0, 1],
      [1, 2],
    ]);
    expect(x.unique()[0].toArray()).toEqual([1, 3]);
    expect(
      unique(
        tensor([
          [1, 2],
          [1, 2],
        ]),
        { dim: 0 },
      )[0].toArray(),
    ).toEqual([[1, 2]]);
  });

  test("broadcasting of shapes and tensors", () => {
    expect(broadcastShapes([2, 1], [3], [])).toEqual([2, 3]);
    expect(() => broadcastShapes([2], [3])).toThrow("expected equal lengths or 1 in dimension 0, got [2] and [3]");
    expect(broadcastTensors(tensor([1, 2]), tensor([[1], [2]])).map((x) => x.shape)).toEqual([
      [2, 2],
      [2, 2],
    ]);
  });

  test("cartesianProd lists all combinations", () => {
    expect(cartesianProd(tensor([1, 2]), tensor([3, 4])).toArray()).toEqual([
      [1, 3],
      [1, 4],
      [2, 3],
      [2, 4],
    ]);
    expect(cartesianProd(tensor([1, 2])).toArray()).toEqual([1, 2]);
  });
});
