import { Factory } from "../../lib/config/factory/factory";
import "../../lib/modeling";
import type { boilerplate } from "../../lib/modeling";
import { linspace, noGrad, zeros } from "../../lib/torch";

const CONFIG = {
  kind: "boilerplate_project.models.BaseModel",
  name: "mlp",
  input_dim: 2,
  hidden_dim: 4,
  output_dim: 3,
  num_hidden_layers: 2,
};
const build = (changes: Record<string, unknown> = {}) => {
  const model = new Factory().create({ ...CONFIG, ...changes }) as boilerplate.BaseModel;
  noGrad(() => {
    for (const weights of model.parameters()) weights.copy_(linspace(-1, 1, weights.numel()).viewAs(weights));
  });
  return model;
};

describe("boilerplate_project.models.BaseModel", () => {
  // PyTorch: the same modules, every parameter p filled with torch.linspace(-1, 1, p.numel()).view_as(p)
  it.each([
    [{}, [-3.193562, 1.021742, 5.237047, -3.21054, 1.030932, 5.272405, -7.470015, 2.792838, 13.055691]],
    [
      { use_skip_connections: true },
      [-7.072251, 1.422318, 9.916886, -5.644062, 2.326601, 10.297264, -17.672369, 7.306776, 32.285923],
    ],
    [
      { norm_layer: "layer_norm" },
      [-2.272479, 0.613738, 3.499956, -2.272479, 0.613738, 3.499956, -2.272479, 0.613738, 3.499956],
    ],
    [
      { norm_layer: "batch_norm", use_skip_connections: true },
      [-3.110433, -0.469619, 2.171194, -1.375121, 0.419661, 2.214443, -6.246935, 2.524583, 11.296102],
    ],
  ])("computes what PyTorch does with %j", (changes, expected) => {
    const out = build(changes).forward(linspace(-2, 2, 6).view([3, 2]));
    (out.flatten().toArray() as number[]).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 4));
  });

  it("has the state dict of the Python framework", () => {
    expect([...build().stateDict().keys()]).toEqual([
      "input_projection.weight",
      "input_projection.bias",
      "output_projection.weight",
      "output_projection.bias",
      "hidden_layers.0.0.weight",
      "hidden_layers.0.0.bias",
      "hidden_layers.1.0.weight",
      "hidden_layers.1.0.bias",
    ]);
  });

  it("leaves out the offsets and takes every activation", () => {
    for (const activation_function of ["relu", "gelu", "tanh", "sigmoid", "leaky_relu"]) {
      const model = build({ bias: false, activation_function });
      expect(model.parameters()).toHaveLength(4);
      expect(model.forward(zeros([1, 2])).shape).toEqual([1, 3]);
    }
  });

  it("drops out in training only", () => {
    const model = build({ dropout: 1, activation_function: "relu" });
    const x = linspace(-2, 2, 6).view([3, 2]);
    expect(
      model
        .train()
        .forward(x)
        .equal(model.outputProjection.bias!.expand([3, 3])),
    ).toBe(true);
    expect(
      model
        .eval()
        .forward(x)
        .equal(build({ activation_function: "relu" }).forward(x)),
    ).toBe(true);
  });

  it.each([
    [{ norm_layer: "group_norm" }, /norm_layer.*layer_norm, batch_norm or null/],
    [{ activation_function: "swish" }, /activation_function/],
    [{ output_dim: undefined }, /output_dim/],
  ])("refuses %j", (changes, message) => {
    expect(() => build(changes)).toThrow(message);
  });
});
