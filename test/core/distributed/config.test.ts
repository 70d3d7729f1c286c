import {
  getLocalRank,
  getNumNodes,
  getRank,
  getWorldSize,
  isRank0,
  setDistributedConfig,
} from "../../../lib/core/distributed";

afterEach(() => setDistributedConfig(null));

test("without a group there is one process", () => {
  expect([getRank(), getLocalRank(), getWorldSize(), getNumNodes(), isRank0()]).toEqual([0, 0, 1, 1, true]);
});

test("the answers can be replaced", () => {
  setDistributedConfig({ getRank: () => 3, getWorldSize: () => 8, getNumNodes: () => 2 });
  expect([getRank(), getLocalRank(), getWorldSize(), getNumNodes(), isRank0()]).toEqual([3, 3, 8, 2, false]);
});
