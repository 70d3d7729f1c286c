import { rootLogger } from "../../lib/core/logging";
import { setSeed } from "../../lib/core/seed";
import { manualSeed, rand } from "../../lib/torch";

test("the same seed gives the same numbers", () => {
  const handlers = rootLogger().handlers;
  rootLogger().handlers = [{ level: 100, handle: () => undefined }];
  const draw = (): unknown => rand([3]).toArray();
  setSeed(999);
  const drawn = draw();
  manualSeed(999);
  expect(draw()).toEqual(drawn);
  rootLogger().handlers = handlers;
});
