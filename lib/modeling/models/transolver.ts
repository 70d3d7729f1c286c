import type { z } from "zod";
import { inCurrentForm } from "../../config/migration";
import { register } from "../../config/registry";
import { any, mapping, validateConfig, type FieldType } from "../../config/schema";
import { writtenKeys } from "../modules/blocks";
import { Transformer, TransformerConfig } from "./transformer";

/** Slices when nothing is said. */
const DEFAULT_ARGUMENTS = { num_slices: 512 };

/** Config of {@link Transolver}. */
export const TransolverConfig = TransformerConfig.extend("TransolverConfig", {
  fields: {
    /** Options of the attention: the number of slices that points are gathered in, … */
    attention_arguments: mapping(any()).default(DEFAULT_ARGUMENTS),
  },
  migrate: inCurrentForm,
  // The tutorial tells the two kinds apart by the model's name.
  prepare: (raw) =>
    withPhysicsAttention(raw, raw["name"] === "transolver_plusplus" ? "transolver_plusplus" : "transolver"),
});
export type TransolverConfig = z.output<typeof TransolverConfig>;

register("noether.core.schemas.models.transolver.TransolverConfig", { schema: TransolverConfig });

/** Config of a {@link Transolver} with the attention of Transolver++. */
export const TransolverPlusPlusConfig = TransformerConfig.extend("TransolverPlusPlusConfig", {
  fields: {
    /** Options of the attention: the number of slices that points are gathered in, … */
    attention_arguments: mapping(any()).default(DEFAULT_ARGUMENTS),
  },
  migrate: inCurrentForm,
  prepare: (raw) => withPhysicsAttention(raw, "transolver_plusplus"),
});
export type TransolverPlusPlusConfig = z.output<typeof TransolverPlusPlusConfig>;

register("noether.core.schemas.models.transolver.TransolverPlusPlusConfig", { schema: TransolverPlusPlusConfig });

/**
 * Hands the model's attention down to the blocks, the defaults included. A block config that names another one keeps it, and slices
 * mean nothing to `dot_product`: so runs of the Python framework can be loaded whose blocks, by the defaults of release 1.1, have no
 * physics attention.
 */
function withPhysicsAttention(raw: Record<string, unknown>, constructor: string): Record<string, unknown> {
  const block = raw["transformer_block_config"];
  if (typeof block !== "object" || block === null) return raw;
  const config = {
    attention_constructor: constructor,
    attention_arguments: raw["attention_arguments"] ?? DEFAULT_ARGUMENTS,
    ...writtenKeys(block),
  };
  if (config.attention_constructor === "dot_product") {
    const { num_slices: _, ...rest } = (config.attention_arguments ?? {}) as Record<string, unknown>;
    config.attention_arguments = rest;
  }
  return { ...raw, transformer_block_config: config };
}

/**
 * A trunk of transformer blocks with physics attention (Transolver, https://arxiv.org/abs/2402.02366; Transolver++,
 * https://arxiv.org/abs/2502.02414, with `attention_constructor: transolver_plusplus` in the block config, or a config of class
 * {@link TransolverPlusPlusConfig}).
 *
 * Shapes: x (B, N, D) → (B, N, D).
 */
export class Transolver extends Transformer {
  static override readonly schema: FieldType = TransolverConfig;

  protected override parse(config: z.input<typeof TransolverConfig>): TransolverConfig {
    return validateConfig(TransolverConfig, config);
  }
}

register("noether.modeling.models.Transolver", {
  class: Transolver,
  aliases: ["noether.modeling.models.transolver.Transolver"],
});
