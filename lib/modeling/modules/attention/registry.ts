import type { z } from "zod";
import type { AnyConfigClass } from "../../../config/schema";
import type { nn } from "../../../torch";
import { DotProductAttention, DotProductAttentionConfig } from "./dot-product";
import { PerceiverAttention, PerceiverAttentionConfig } from "./perceiver";
import { TransolverAttention, TransolverAttentionConfig } from "./transolver";
import { TransolverPlusPlusAttention, TransolverPlusPlusAttentionConfig } from "./transolver-plusplus";

/** Attention modules by the name that block configs use, with their config classes. */
export const ATTENTION_REGISTRY = {
  dot_product: { module: DotProductAttention, config: DotProductAttentionConfig },
  perceiver: { module: PerceiverAttention, config: PerceiverAttentionConfig },
  transolver: { module: TransolverAttention, config: TransolverAttentionConfig },
  transolver_plusplus: { module: TransolverPlusPlusAttention, config: TransolverPlusPlusAttentionConfig },
} as const satisfies Record<string, { module: new (config: never) => nn.Module; config: AnyConfigClass }>;

/** Names in {@link ATTENTION_REGISTRY}. */
export type AttentionName = keyof typeof ATTENTION_REGISTRY;

/** Builds the attention that `name` stands for. */
export function buildAttention(name: AttentionName, config: Readonly<Record<string, unknown>>): nn.Module {
  const { module: Attention } = ATTENTION_REGISTRY[name];
  return new Attention(config as z.input<typeof DotProductAttentionConfig>);
}
