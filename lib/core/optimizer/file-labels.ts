import { type nn, toMap } from "../../torch";

/**
 * Names of the parameters in an optimizer file, by their index.
 *
 * Release 2026.4 of the Python framework numbers the names of a `MuonComposite` before it sorts the parameters into matrices and
 * others, so that where a group has both, the names are not those of the state. The order behind the numbers is known: all
 * matrices, then all others. Files with the right names have that order already.
 *
 * @param names - `param_idx_to_name` of the file
 * @param groups - `param_groups` of the file
 */
export function labelsOf(
  names: ReadonlyMap<number, string>,
  groups: unknown,
  model: nn.Module,
): ReadonlyMap<number, string> {
  const isMuon = (Array.isArray(groups) ? groups : []).map((group: unknown) => toMap(group).has("ns_steps"));
  if (!isMuon.includes(true) || !isMuon.includes(false)) return names;
  const dimensions = new Map(model.namedParameters().map(([name, param]) => [name, param.ndim]));
  const written = [...names].sort(([a], [b]) => a - b);
  if (!written.every(([, name]) => dimensions.has(name))) return names;
  const isMatrix = ([, name]: readonly [number, string]) => dimensions.get(name) === 2;
  const inOrder = [...written.filter(isMatrix), ...written.filter((entry) => !isMatrix(entry))];
  return new Map(written.map(([index], i) => [index, inOrder[i]![1]]));
}
