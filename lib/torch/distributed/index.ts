/** `torch.distributed`: several processes, on libtorch's c10d, the engine of Python's module of that name. See docs/distributed.md. */
export * as blocking from "./blocking";
export {
  allGather,
  allGatherUneven,
  allReduce,
  allToAll,
  barrier,
  broadcast,
  type CollectiveOptions,
  gather,
  type MessageOptions,
  recv,
  reduce,
  type ReduceOp,
  type ReduceOptions,
  reduceScatter,
  scatter,
  send,
} from "./collectives";
export { DistributedDataParallel } from "./data-parallel";
export { expandHosts, type ProcessEnvironment, processEnvironment } from "./environment";
export { DistributedError, type DistributedErrorDetails } from "./errors";
export { GradientReducer, type GradientReducerOptions } from "./gradient-reducer";
export { allGatherObject, broadcastObject, broadcastObjectList, gatherObject } from "./objects";
export {
  type Backend,
  defaultGroup,
  destroyProcessGroup,
  getRank,
  getWorldSize,
  type GroupOptions,
  initProcessGroup,
  type InitOptions,
  isInitialized,
  isNcclAvailable,
  newGroup,
  ProcessGroup,
} from "./process-group";
export { FileStore, HashStore, PrefixStore, Store, TCPStore, type TCPStoreOptions } from "./stores";
