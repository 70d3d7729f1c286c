import { bytesText } from "../../lib/torch/bytes-text";

test("sizes are told in the unit that fits", () => {
  expect([0, 1023, 1024, 1.5 * 2 ** 30, 3 * 2 ** 50].map((bytes) => bytesText(bytes))).toEqual([
    "0 B",
    "1023 B",
    "1.00 KiB",
    "1.50 GiB",
    "3072.00 TiB",
  ]);
});
