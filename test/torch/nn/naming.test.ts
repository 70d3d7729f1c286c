import { toCamelCase, toSnakeCase } from "../../../lib/torch/nn";

test.each([
  ["weight", "weight"],
  ["attentionBlock", "attention_block"],
  ["fc1", "fc1"],
  ["norm1q", "norm1q"],
  ["qkvProj", "qkv_proj"],
  ["outMLP", "out_mlp"],
  ["useMLPHead", "use_mlp_head"],
  ["conv_1", "conv_1"],
  ["already_snake", "already_snake"],
  ["beta2Decay", "beta2_decay"],
])("%s becomes %s", (camel, snake) => {
  expect(toSnakeCase(camel)).toBe(snake);
});

test.each(["weight_decay", "beta2_decay", "t0", "ns_coefficients", "conv_1", "lr", "_private"])(
  "%s survives the way there and back",
  (snake) => {
    expect(toSnakeCase(toCamelCase(snake))).toBe(snake);
  },
);
