/**
 * State dicts and optimizer states of release 1.1 of the Python framework, and in its form: it has one tensor for queries, keys and
 * values (`qkv`, `kv`), and AB-UPT has a name for each module of the surface and of the volume. Pure functions.
 */
export { currentKeys, oldKeys, type OldKey } from "./keys";
export { toCurrentOptimizerState, toRelease11OptimizerState } from "./optimizer-state";
export { loadEitherRelease, toCurrentState, toRelease11State } from "./state-dict";
