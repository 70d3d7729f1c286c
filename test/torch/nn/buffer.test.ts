import { deepcopy, nn, ones, scope } from "../../../lib/torch";

class Table extends nn.Module {
  readonly kept = new nn.Buffer(ones([2]));
  readonly passing = new nn.Buffer(ones([1]), { persistent: false });
  forward(): void {}
}

test("a property that holds one is a buffer, saved if persistent", () => {
  const table = new Table();
  expect(table.namedBuffers().map(([name]) => name)).toEqual(["kept", "passing"]);
  expect([...table.stateDict().keys()]).toEqual(["kept"]);
  expect(table.to("float64").kept.dtype).toBe("float64");
  expect(table.parameters()).toEqual([]);
});

test("it lives as long as something refers to it, and a copy is one, too", () => {
  const table = deepcopy(scope(() => new Table()));
  expect([table.kept.isDisposed, table.kept instanceof nn.Buffer, table.namedBuffers().length]).toEqual([
    false,
    true,
    2,
  ]);
});
