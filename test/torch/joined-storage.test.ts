import { arange, empty, nn, noGrad, scope, tensor } from "../../lib/torch";
import { joinedView, joinStorage } from "../../lib/torch/joined-storage";

const parameters = () => [1, 2, 3].map((value) => new nn.Parameter(tensor([[value, value], [value, -value]]))); // prettier-ignore
const values = (tensors: readonly nn.Parameter[]) => noGrad(() => scope(() => joinedView(tensors)?.toArray() ?? null));

it("tensors of one storage are read as one, and follow what is written", () => {
  const tensors = parameters();
  expect(values(tensors)).toBeNull();
  const before = tensors.map((parameter) => parameter.detach().toArray());
  joinStorage(tensors);
  expect(tensors.map((parameter) => parameter.detach().toArray())).toEqual(before);
  expect(values(tensors)).toEqual([[1, 1], [1, -1], [2, 2], [2, -2], [3, 3], [3, -3]]); // prettier-ignore
  noGrad(() => tensors[1]!.fill_(7));
  expect(values(tensors)![2 as never]).toEqual([7, 7]);
  expect(tensors.every(({ requiresGrad }) => requiresGrad)).toBe(true);
});

it.each<[string, (tensors: nn.Parameter[]) => void]>([
  ["has other data", (tensors) => tensors[1]!.setData(arange(4, { dtype: "float32" }).reshape([2, 2]))],
  ["has another dtype", (tensors) => tensors[0]!.setData(tensors[0]!.detach().double())],
  ["is transposed", (tensors) => tensors[2]!.setData(tensors[2]!.detach().t())],
  ["is not the next one", (tensors) => tensors.reverse()],
  ["has another shape", (tensors) => tensors.push(new nn.Parameter(empty([2, 3])))],
])("not where one of them %s, also after they were read", (_, change) => {
  const tensors = parameters();
  joinStorage(tensors);
  expect(values(tensors)).not.toBeNull();
  change(tensors);
  expect(values(tensors)).toBeNull();
});

it("modules that move and train keep their numbers", () => {
  const tensors = parameters();
  joinStorage(tensors);
  values(tensors);
  const module = new nn.ParameterList(tensors).to("float64").to("float32");
  expect(module.at(2).detach().toArray()).toEqual([[3, 3], [3, -3]]); // prettier-ignore
  expect(values(tensors)).toBeNull();
});
