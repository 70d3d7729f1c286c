import { OptimizerConfig, ParamGroupModifierConfig } from "../../../lib/core/optimizer";

const valid = (type: { safeParse(x: unknown): { success: boolean } }, input: unknown) => type.safeParse(input).success;

describe("OptimizerConfig", () => {
  test("defaults", () => {
    expect(OptimizerConfig.parse({ kind: "torch.optim.AdamW", lr: 1e-3 })).toEqual({
      kind: "torch.optim.AdamW",
      lr: 1e-3,
      weight_decay: 0,
      clip_grad_value: null,
      clip_grad_norm: null,
      param_group_modifiers_config: null,
      exclude_bias_from_weight_decay: true,
      exclude_normalization_params_from_weight_decay: true,
      weight_decay_schedule: null,
      schedule_config: null,
    });
  });
  test.each([[{ lr: 0 }], [{ weight_decay: -1 }], [{ clip_grad_norm: -0.1 }], [{ momentum: 0.9 }], [{ lr: "fast" }]])(
    "refuses %j",
    (input) => {
      expect(valid(OptimizerConfig, input)).toBe(false);
    },
  );
  test.each([
    [{ name: "w", scale: 0 }, true],
    [{ name: "w", value: 0.1, extra: 1 }, true],
    [{ name: "w" }, false],
    [{ name: "w", scale: 1, value: 1 }, false],
    [{ scale: 1 }, false],
  ])("parameter group modifier %j", (input, expected) => {
    expect(valid(ParamGroupModifierConfig, input)).toBe(expected);
  });
});
