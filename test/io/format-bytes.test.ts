import { fmtBytes } from "../../lib/io";

// what Python's f"{n:.2f}" prints
test.each([
  [0, "0.00 B"],
  [512, "512.00 B"],
  [1023, "1023.00 B"],
  [1024, "1.00 KB"],
  [123456, "120.56 KB"],
  [10485760, "10.00 MB"],
  [1152, "1.12 KB"],
  [1408, "1.38 KB"],
  [1665, "1.63 KB"],
  [1151, "1.12 KB"],
  [2 ** 50, "1024.00 TB"],
])("%d is %s", (bytes, text) => expect(fmtBytes(bytes)).toBe(text));
