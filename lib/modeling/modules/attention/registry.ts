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

/** An attention module, its config class, and how it is built from a config that is not validated yet. */
interface AttentionEntry {
  readonly module: abstract new (config: never) => nn.Module;
  readonly config: AnyConfigClass;
  /** It can rotate queries and keys by their positions (`use_rope`). */
  readonly hasRope: boolean;
  readonly build: (config: unknown) => nn.Module;
}

function entry<F extends Fields>(
  module: new (config: OutputOf<F>) => nn.Module,
  config: ConfigClass<F>,
  { hasRope }: Pick<AttentionEntry, "hasRope">,
): AttentionEntry {
  return { module, config, hasRope, build: (given) => new module(validateConfig(config, given)) };
}

/** Attention modules by the name that block configs use (`attention_constructor`): the only list of them. */
export const ATTENTION_REGISTRY = {
  dot_product: entry(DotProductAttention, DotProductAttentionConfig, { hasRope: true }),
  perceiver: entry(PerceiverAttention, PerceiverAttentionConfig, { hasRope: true }),
  transolver: entry(TransolverAttention, TransolverAttentionConfig, { hasRope: false }),
  transolver_plusplus: entry(TransolverPlusPlusAttention, TransolverPlusPlusAttentionConfig, { hasRope: false }),
};

/** Names in {@link ATTENTION_REGISTRY}. */
export type AttentionName = keyof typeof ATTENTION_REGISTRY;
export const ATTENTION_NAMES = Object.keys(ATTENTION_REGISTRY) as [AttentionName, ...AttentionName[]];

/** Builds the attention that `name` stands for. */
export function buildAttention(name: AttentionName, config: Readonly<Record<string, unknown>>): nn.Module {
  return ATTENTION_REGISTRY[name].build(config);
}
