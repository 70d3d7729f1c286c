import { DotProductAttention, PerceiverAttention, RopeFrequency } from "../../../../lib/modeling";
import { memory, rand, randn, scope, type Tensor } from "../../../../lib/torch";
import { collectGarbage } from "../../../support/collect-garbage";

beforeAll(collectGarbage);

const [tokens, channels] = [1024, 64];
const config = { hidden_dim: channels, num_heads: 2, use_rope: true } as const;

/** Bytes that a forward holds for its backward pass, in tensors of (1, tokens, channels). */
function held(forward: () => Tensor): number {
  return scope(() => {
    forward(); // what is allocated once
    const before = memory().bytes;
    const output = scope(forward);
    const bytes = memory().bytes - before;
    output.sum().backward();
    return bytes / (4 * tokens * channels);
  });
}

const frequencies = (count: number) =>
  new RopeFrequency({ hidden_dim: channels / 2, input_dim: 3 }).forward(rand([1, count, 3]));

it("self-attention holds rotated queries and keys, values, and outputs, not the projections", () => {
  const attention = new DotProductAttention(config);
  const freqs = frequencies(tokens);
  const x = randn([1, tokens, channels], { requiresGrad: true });
  // queries, keys, values, output of the heads, output; logits, joint weights and the like are less than one. With the projections 7.7
  expect(held(() => attention.forward(x, { freqs }))).toBeLessThan(6.5);
});

it("so does attention to other tokens", () => {
  const attention = new PerceiverAttention(config);
  const [kFreqs, qFreqs] = [frequencies(tokens), frequencies(16)];
  const kv = randn([1, tokens, channels], { requiresGrad: true });
  const q = randn([1, 16, channels], { requiresGrad: true });
  expect(held(() => attention.forward(q, { kv, kFreqs, qFreqs }))).toBeLessThan(3.2); // keys, values, joint weights
});
