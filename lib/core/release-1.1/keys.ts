import { ValueError } from "../../config/python-errors";

/** What a fused layer is cut into, along dim 0. */
const FUSED = { qkv: ["q", "k", "v"], kv: ["k", "v"] } as const;
const FUSED_KEY = /^(.*\.)?(qkv|kv)(\.(?:project\.)?(?:weight|bias))$/;

/** Modules of AB-UPT that have a name for each of the two domains of release 1.1. */
const DOMAIN_MODULES = [
  { old: "_bias.", now: "domain_biases" },
  { old: "_decoder_blocks.", now: "domain_decoder_blocks" },
  { old: "_decoder.", now: "domain_decoder_projections" },
] as const;
const OLD_DOMAIN_KEY = /^(.*\.)?(surface|volume)(_bias\.|_decoder_blocks\.|_decoder\.)(.+)$/;
const DOMAIN_KEY = /^(.*\.)?(domain_biases|domain_decoder_blocks|domain_decoder_projections)\.([^.]+)\.(.+)$/;

/** Order of AB-UPT's modules in release 1.1. */
const OLD_ORDER =
  "rope pos_embed encoder geometry_blocks surface_bias volume_bias physics_blocks surface_decoder_blocks volume_decoder_blocks surface_decoder volume_decoder".split(
    " ",
  );

/**
 * What becomes of each key on the way to a model with the keys `target`: itself; others, which are equal parts of it along dim 0;
 * none, if the model does without it. Keys that the model does not know either way stay as they are.
 */
export function currentKeys(keys: Iterable<string>, target: ReadonlySet<string>): Map<string, readonly string[]> {
  const given = [...keys];
  const isAero = given.some((key) => key.startsWith("ab_upt.")) && startsWith(target, "backbone.domain_biases.");
  return new Map(given.map((key) => [key, currentKey(key, target, isAero)]));
}

function currentKey(key: string, target: ReadonlySet<string>, isAero: boolean): readonly string[] {
  if (target.has(key)) return [key];
  // the embedding and bias layers of the tutorial's wrapper around AB-UPT have no influence on its outputs
  if (isAero && !key.startsWith("ab_upt.")) return [];
  const name = isAero ? key.replace("ab_upt.", "backbone.") : key;
  const renamed = name.replace(
    OLD_DOMAIN_KEY,
    (_, prefix: string | undefined, domain: string, module: string, rest: string) => {
      return `${prefix ?? ""}${DOMAIN_MODULES.find(({ old }) => old === module)!.now}.${domain}.${rest}`;
    },
  );
  for (const candidate of new Set([name, renamed])) {
    if (target.has(candidate)) return [candidate];
    const parts = partsOf(candidate);
    if (parts?.every((part) => target.has(part))) return parts;
  }
  const geometry = /^(.*\.)?(?:encoder|geometry_blocks)\./.exec(name);
  const prefix = geometry?.[1] ?? "";
  const isUnused =
    geometry && startsWith(target, `${prefix}domain_biases.`) && !startsWith(target, `${prefix}encoder.`);
  return isUnused ? [] : [key];
}

/** `block.q.weight`, `block.k.weight`, `block.v.weight` for `block.qkv.weight`. */
function partsOf(key: string): string[] | undefined {
  const match = FUSED_KEY.exec(key);
  if (match === null) return undefined;
  const [, prefix = "", layer, suffix] = match;
  return FUSED[layer as keyof typeof FUSED].map((part) => `${prefix}${part}${suffix}`);
}

function startsWith(keys: Iterable<string>, prefix: string): boolean {
  for (const key of keys) if (key.startsWith(prefix)) return true;
  return false;
}

/** Keys of release 1.1 with those of this release that they are made of, in the order of 1.1. */
export interface OldKey {
  readonly key: string;
  readonly parts: readonly string[];
}

/**
 * How keys of this release, in the order of a model, are written in the form of 1.1.
 *
 * @throws ValueError for what release 1.1 does not have: other domains than surface and volume, weights for each domain
 */
export function oldKeys(keys: readonly string[]): OldKey[] {
  const all = new Set(keys);
  const merged = new Map<string, string[]>();
  for (const key of keys) {
    const fused = fusedKey(key, keys, all) ?? key;
    const name = fused.replace(
      DOMAIN_KEY,
      (_, prefix: string | undefined, module: string, domain: string, rest: string) => {
        if (domain !== "surface" && domain !== "volume")
          throw new ValueError(
            `'${key}': release 1.1 of the Python framework has the domains surface and volume, not ${domain}`,
          );
        return `${prefix ?? ""}${domain}${DOMAIN_MODULES.find(({ now }) => now === module)!.old}${rest}`;
      },
    );
    const parts = merged.get(name) ?? [];
    merged.set(name, parts);
    parts.push(key);
  }
  const order = inOldOrder([...merged.keys()], prefixesOf(keys));
  return order.map((key) => ({ key, parts: merged.get(key)! }));
}

/** `block.qkv.weight` for `block.q.weight`, `block.kv.weight` for `block.k.weight` of a perceiver; undefined for any other. */
function fusedKey(key: string, keys: readonly string[], all: ReadonlySet<string>): string | undefined {
  const match = /^(.*\.)?([qkv])(\.(?:project\.)?(?:weight|bias))(\.\d+)?$/.exec(key);
  if (match === null) return undefined;
  const [, prefix = "", layer, suffix, type] = match;
  const names = FUSED.qkv.map((part) => `${prefix}${part}${suffix}${type ?? ""}`);
  const isAttention =
    names.every((name) => all.has(name)) && (startsWith(all, `${prefix}proj.`) || startsWith(all, `${prefix}to_out.`));
  if (!isAttention) return undefined;
  if (type !== undefined)
    throw new ValueError(`'${key}': release 1.1 of the Python framework has no blocks with weights for each domain`);
  // a perceiver has its keys before its queries
  const isPerceiver = keys.indexOf(names[1]!) < keys.indexOf(names[0]!);
  if (!isPerceiver) return `${prefix}qkv${suffix}`;
  return layer === "q" ? undefined : `${prefix}kv${suffix}`;
}

/** What stands before the names of AB-UPT's modules. */
function prefixesOf(keys: readonly string[]): string[] {
  return [...new Set(keys.flatMap((key) => /^((?:.*\.)?)domain_biases\./.exec(key)?.[1] ?? []))];
}

/** The keys of each AB-UPT in the order of release 1.1; all others keep their places. */
function inOldOrder(keys: readonly string[], prefixes: readonly string[]): string[] {
  let order = [...keys];
  for (const prefix of prefixes) {
    const isOwn = (key: string) => key.startsWith(prefix) && OLD_ORDER.includes(moduleOf(key, prefix));
    const rank = (key: string) => OLD_ORDER.indexOf(moduleOf(key, prefix));
    const own = order.filter(isOwn).sort((a, b) => rank(a) - rank(b));
    order = order.map((key) => (isOwn(key) ? own.shift()! : key));
  }
  return order;
}

function moduleOf(key: string, prefix: string): string {
  return key.slice(prefix.length).split(".")[0]!;
}
