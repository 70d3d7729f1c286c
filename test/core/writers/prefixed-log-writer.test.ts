import { PrefixedLogWriter } from "../../../lib/core/writers";
import { temporaryFolder } from "../../support/temporary-folder";
import { parts } from "../callbacks/support";

const folder = temporaryFolder();
const make = (prefix: string) => {
  const { writer } = parts({ outputRootPath: folder.path });
  return { inner: writer, writer: new PrefixedLogWriter(writer, prefix) };
};

test("metrics are logged under the prefix, without the slashes at its end", async () => {
  const { inner, writer } = make("ema=0.9//");
  writer.addScalar("loss/test/total", 1);
  writer.addNonscalar("image", "x");
  expect(inner.logCache).toMatchObject({ "ema=0.9/loss/test/total": 1, "ema=0.9/image": "x" });
  await writer.flush();
  expect(writer.getAllMetricValues("loss/test/total")).toEqual([1]);
  expect(inner.getAllMetricValues("loss/test/total")).toEqual([]);
});

test("the metric of the prefix comes first for who reads, then that without", () => {
  const { inner, writer } = make("ema=0.9");
  inner.addScalar("a", 1);
  inner.addScalar("b", 2);
  writer.addScalar("b", 3);
  expect(writer.logCache).toMatchObject({ a: 1, b: 3 });
  expect([writer.resolveKey("a"), writer.resolveKey("b"), inner.resolveKey("b")]).toEqual(["a", "ema=0.9/b", "b"]);
});

test("an empty prefix changes nothing", () => {
  const { inner, writer } = make("");
  writer.addScalar("a", 1);
  expect([inner.logCache, writer.logCache]).toEqual([expect.objectContaining({ a: 1 }), inner.logCache]);
});

test("a key twice is an error that names it in full", () => {
  const { writer } = make("p");
  writer.addScalar("a", 1);
  expect(() => writer.addScalar("a", 2)).toThrow("metric 'p/a' was already logged");
});
