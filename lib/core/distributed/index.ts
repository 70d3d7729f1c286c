/** The processes of a run: who this one is, and what they exchange. `lib/torch/distributed` connects them. */
export {
  allGatherGrad,
  allGatherNograd,
  allGatherNogradClipped,
  allGatherValues,
  allReduceMeanGrad,
  allReduceMeanNograd,
  allReduceSumGrad,
  allReduceSumNograd,
  barrier,
  fromRank0,
  reduceMaxNograd,
  reduceMeanNograd,
  setAnywhere,
} from "./collectives";
export {
  type DistributedConfig,
  getLocalRank,
  getNumNodes,
  getRank,
  getWorldSize,
  isDataRank0,
  isDistributed,
  isLocalRank0,
  isRank0,
  setDistributedConfig,
} from "./config";
