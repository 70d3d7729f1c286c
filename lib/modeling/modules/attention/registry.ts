import {
  type AnyConfigClass,
  type ConfigClass,
  type Fields,
  type OutputOf,
  validateConfig,
} from "../../../config/schema";
import type { nn } from "../../../torch";
import { DotProductAttention, DotProductAttentionConfig } from "./dot-product";
import { PerceiverAttention, PerceiverAttentionConfig } from "./perceiver";
import { TransolverAttention, TransolverAttentionConfig } from "./transolver";
import { TransolverPlusPlusAttention, TransolverPlusPlusAttentionConfig } from "./transolver-plusplus";

/** An attention module, its config class, and how it is built from a config that nobody has validated. */
interface AttentionEntry {
  readonly module: abstract new (config: never) => nn.Module;
  readonly config: AnyConfigClass;
  readonly build: (config: unknown) => nn.Module;
}

function entry<F extends Fields>(
  module: new (config: OutputOf<F>) => nn.Module,
  config: ConfigClass<F>,
): AttentionEntry {
  return { module, config, build: (given) => new module(validateConfig(config, given)) };
}

/** Attention modules by the name that block configs use, with their config classes. */
export const ATTENTION_REGISTRY = {
  dot_product: entry(DotProductAttention, DotProductAttentionConfig),
  perceiver: entry(PerceiverAttention, PerceiverAttentionConfig),
  transolver: entry(TransolverAttention, TransolverAttentionConfig),
  transolver_plusplus: entry(TransolverPlusPlusAttention, TransolverPlusPlusAttentionConfig),
};

/** Names in {@link ATTENTION_REGISTRY}. */
export type AttentionName = keyof typeof ATTENTION_REGISTRY;

/** Builds the attention that `name` stands for. */
export function buildAttention(name: AttentionName, config: Readonly<Record<string, unknown>>): nn.Module {
  return ATTENTION_REGISTRY[name].build(config);
}
