import type { Tensor } from "../torch";

/** Attentions of transformer blocks by a parameter that only they have. */
const MARKS = [
  [/^(.*attention_block)\.(?:q|qkv)\.weight$/, "dot_product"],
  [/^(.*attention_block)\.temperature$/, "transolver"],
  [/^(.*attention_block)\.proj_temperature\..*$/, "transolver_plusplus"],
] as const;

export type Attention = (typeof MARKS)[number][1];

/**
 * How to load weights whose blocks have another attention than the model's, which no renaming of keys can mend; null if that is not
 * what is wrong.
 *
 * Release 1.1 of the Python framework built its Transolvers with plain attention unless the block config named another one, and their
 * stored configs do not tell.
 */
export function otherAttention(
  model: ReadonlyMap<string, Tensor>,
  weights: ReadonlyMap<string, Tensor>,
): string | null {
  const built = attentions(model);
  for (const [block, { attention, key, shape }] of attentions(weights)) {
    const own = built.get(block);
    if (own === undefined || own.attention === attention) continue;
    return (
      `its blocks have ${own.attention} attention, but the weights are of ${attention} attention ('${key}' of shape [${shape.join(", ")}]); ` +
      `set attention_constructor: ${attention} in the transformer_block_config of the model ` +
      `(on the command line: ++model.transformer_block_config.attention_constructor=${attention})` +
      (attention === "dot_product" ? "; Transolver runs of release 1.1 of the Python framework need it" : "")
    );
  }
  return null;
}

/** The attention that all blocks have, by their weights; null without blocks, and where they have several. */
export function attentionOf(weights: ReadonlyMap<string, Tensor>): Attention | null {
  const [attention, ...others] = new Set([...attentions(weights).values()].map((found) => found.attention));
  return attention === undefined || others.length > 0 ? null : attention;
}

/** Attention of every block, by the prefix of its keys. */
function attentions(state: ReadonlyMap<string, Tensor>) {
  const found = new Map<string, { attention: Attention; key: string; shape: readonly number[] }>();
  for (const [key, { shape }] of state) {
    for (const [mark, attention] of MARKS) {
      const block = mark.exec(key)?.[1];
      if (block !== undefined) found.set(block, { attention, key, shape });
    }
  }
  return found;
}
