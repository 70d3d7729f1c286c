import { ValueError } from "../../../config/python-errors";
import type { Tensor } from "../../../torch";
import type { ABUPTCache } from "./cache";

/** The geometry; needed exactly where perceiver blocks attend to it and no cache is given. */
export interface GeometryInputs {
  /** (ΣN, P), points of all samples one after the other. */
  readonly geometry_position?: Tensor | null;
  /** (B · S,) int64, indices of the supernodes, sample by sample. */
  readonly geometry_supernode_idx?: Tensor | null;
  /** (ΣN,) int64, sample of each point; null only for one sample. */
  readonly geometry_batch_idx?: Tensor | null;
}

/** What modulates the blocks, with `conditioning_dims` in the data specs. */
export interface ConditionInputs {
  /** (B, c) or (B, 1, c) each; side by side, in this order, they are the condition. */
  readonly conditioning_inputs?: Readonly<Record<string, Tensor>> | null;
  /** Release 1.1 of the Python framework has these two names, in this order. */
  readonly geometry_design_parameters?: Tensor | null;
  readonly inflow_design_parameters?: Tensor | null;
}

/** Positions whose points attend to each other and that the model is trained on. */
export interface AnchorInputs {
  /** (B, A, P) by domain. */
  readonly domain_anchor_positions?: Readonly<Record<string, Tensor>> | null;
  /** A domain's positions may also be given as `<domain>_anchor_position`. */
  readonly surface_anchor_position?: Tensor | null;
  readonly volume_anchor_position?: Tensor | null;
}

/** Positions of further points, which attend to the anchors only. */
export interface QueryInputs {
  /** (B, Q, P) by domain. */
  readonly domain_query_positions?: Readonly<Record<string, Tensor>> | null;
  /** A domain's positions may also be given as `query_<domain>_position`. */
  readonly query_surface_position?: Tensor | null;
  readonly query_volume_position?: Tensor | null;
}

/** Batch of {@link AnchoredBranchedUPT.forward}, by the names of batch keys. */
export interface ABUPTInputs extends GeometryInputs, ConditionInputs, AnchorInputs, QueryInputs {
  /** From {@link AnchoredBranchedUPT.encodeAnchors}, in place of geometry and anchors. */
  readonly kv_cache?: ABUPTCache | null;
}

/** Anchors (B, A, P) and queries (B, Q, P) of a domain, where given. */
export interface DomainPositions {
  readonly domain: string;
  readonly anchors: Tensor | null;
  readonly queries: Tensor | null;
}

/**
 * The positions of every domain, in the order of `domains`.
 *
 * @throws ValueError for positions of other domains, positions that are given twice, and shapes other than (B, N, P)
 */
export function positionsOf(domains: readonly string[], inputs: AnchorInputs & QueryInputs): DomainPositions[] {
  const { domain_anchor_positions: anchors, domain_query_positions: queries } = inputs;
  for (const [name, given] of Object.entries({ domain_anchor_positions: anchors, domain_query_positions: queries })) {
    const unknown = Object.keys(given ?? {}).find((domain) => !domains.includes(domain));
    if (unknown !== undefined) refuse(`${name} has "${unknown}"; the domains of this model are ${domains.join(", ")}`);
  }
  return domains.map((domain) => ({
    domain,
    anchors: positions(inputs, anchors?.[domain], `${domain}_anchor_position`),
    queries: positions(inputs, queries?.[domain], `query_${domain}_position`),
  }));
}

function positions(inputs: object, inMapping: Tensor | undefined, flatName: string): Tensor | null {
  const flat = (inputs as Readonly<Record<string, Tensor | null | undefined>>)[flatName];
  if (inMapping && flat) refuse(`${flatName} is given beside the same positions in a mapping; give only one`);
  const position = inMapping ?? flat ?? null;
  if (position !== null && position.ndim !== 3)
    refuse(`positions of ${flatName} must have shape (B, N, P), got (${position.shape.join(", ")})`);
  return position;
}

/** The parts of the condition, (B, c) each. */
export function conditionParts(inputs: ConditionInputs): Tensor[] {
  const { conditioning_inputs, geometry_design_parameters, inflow_design_parameters } = inputs;
  const flat = [geometry_design_parameters, inflow_design_parameters].filter(
    (part) => part !== undefined && part !== null,
  );
  const mapped = Object.values(conditioning_inputs ?? {});
  if (flat.length > 0 && mapped.length > 0)
    refuse("conditioning_inputs are given beside design parameters; give all of them in the mapping");
  return [...mapped, ...flat].map((part) => (part.ndim === 3 ? part.squeeze(1) : part));
}

/** @throws ValueError always */
export function refuse(message: string): never {
  throw new ValueError(`AnchoredBranchedUPT: ${message}`);
}
