import { ForwardHook, StopForwardException } from "../../../lib/core/extractors";
import { nn, rand } from "../../../lib/torch";

describe("ForwardHook", () => {
  test("stores outputs under its key", () => {
    const outputs = new Map<string, unknown>();
    const [module, hook, other] = [new nn.Identity(), new ForwardHook(outputs, { key: "a" }), new ForwardHook(outputs)];
    module.registerForwardHook(hook.call);
    module.registerForwardHook(other.call);
    const x = rand([1]);
    module.forward(x);
    expect([outputs.get("a"), outputs.get(other.key), other.key.length]).toEqual([x, x, 36]);
    outputs.clear();
    hook.enabled = false;
    module.forward(x);
    expect([...outputs.keys()]).toEqual([other.key]);
  });

  test("several share one map, and one that is disabled does nothing, not even leave", () => {
    const outputs = new Map<string, unknown>();
    const module = new nn.Identity();
    for (const key of ["a", "b"]) module.registerForwardHook(new ForwardHook(outputs, { key }).call);
    const stopping = new ForwardHook(outputs, { key: "c", raiseException: true });
    stopping.enabled = false;
    module.registerForwardHook(stopping.call);
    module.forward(rand([1]));
    expect([...outputs.keys()]).toEqual(["a", "b"]);
  });

  test("can leave the forward pass after storing", () => {
    const outputs = new Map<string, unknown>();
    const module = new nn.Identity();
    module.registerForwardHook(new ForwardHook(outputs, { key: "a", raiseException: true }).call);
    expect(() => void module.forward(rand([1]))).toThrow(StopForwardException);
    expect(outputs.has("a")).toBe(true);
  });
});
