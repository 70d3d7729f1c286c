import { readFileSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { EventFile } from "../../../lib/core/trackers/event-file";
import { temporaryFolder } from "../../support/small-run";

/** What the writer of Python's `tensorboard` 2.21 makes of the events below. */
const BY_PYTHON =
  "GAAAAAAAAACjf0siCQAAIED8VNlBGg1icmFpbi5FdmVudDoyKzUxEBAAAAAAAAAAlfv+GAkAACBA/FTZQRCsAjoCCAG5RRKjXwAAAAAAAABQPyiGCQAAIED8VNlBEKwC" +
  "KlEKEQoKbG9zcy90b3RhbBUAAAA+CgoKA25hbhUAAMB/CjAKEW5vdGUvdGV4dF9zdW1tYXJ5QhEIBxIEEgIIAUIHZ3LDtsOfZUoICgYKBHRleHR/sSBO";

it("has the bytes that Python's writer gives", () => {
  const folder = temporaryFolder();
  const now = jest.spyOn(Date, "now").mockReturnValue(1_700_000_000_500);
  try {
    const file = new EventFile(join(folder.path, "a", "b"));
    file.start(300);
    file.add({ "loss/total": 0.125, nan: NaN, note: "größe" }, 300);
    expect(readFileSync(file.path).toString("base64")).toBe(BY_PYTHON);
    expect(readdirSync(join(folder.path, "a", "b"))).toEqual([basename(file.path)]);
    expect(basename(file.path)).toMatch(/^events\.out\.tfevents\.1700000000\./);
  } finally {
    now.mockRestore();
    folder.remove();
  }
});

it("has pictures as Summary.Image", () => {
  const folder = temporaryFolder();
  try {
    const file = new EventFile(folder.path);
    const png = Buffer.alloc(24, 7); // of a PNG, only the size in its header is read: 2 × 1
    png.writeUInt32BE(2, 16);
    png.writeUInt32BE(1, 20);
    file.addPicture("p", png, 3);
    const written = readFileSync(file.path).toString("hex");
    // event.proto: step = 2, summary = 5; summary.proto: value = 1 with tag = 1 and image = 4, which has height, width, colorspace = 3, bytes
    const image = `0801` + `1002` + `1803` + `2218${png.toString("hex")}`;
    const value = `0a0170` + `2220${image}`;
    expect(written).toContain(`1003` + `2a27` + `0a25${value}`);
  } finally {
    folder.remove();
  }
});
