import type { Tensor } from "../../../torch";
import type { KeyValueCache } from "../../modules/attention";

/**
 * Keys and values of a geometry and its anchors: all that queries attend to. It holds for the weights that it was computed with.
 *
 * Made by {@link AnchoredBranchedUPT.encodeAnchors}, read by `forward({ kv_cache, domain_query_positions })`.
 */
export class ABUPTCache {
  constructor(
    /** By physics block: of anchors by token group (`surface_anchors`), or of the geometry (`geometry_encoding`). */
    readonly physics: readonly KeyValueCache[],
    /** By domain and decoder block. */
    readonly decoders: Readonly<Record<string, readonly KeyValueCache[]>>,
    /** (B, C), for calls that give none; null without conditioning. */
    readonly condition: Tensor | null,
  ) {}

  /** Frees the tensors. */
  dispose(): void {
    for (const block of [...this.physics, ...Object.values(this.decoders).flat()]) {
      for (const { k, v } of Object.values(block)) {
        k.dispose();
        v.dispose();
      }
    }
    this.condition?.dispose();
  }
}
