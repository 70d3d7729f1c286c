import { inflateSync } from "node:zlib";

import { drawField, Mesh } from "../../../lib/data";
import { box, pointField, sphere } from "../../support/sphere-run";

/** Size, texts and pixels of a PNG file of 8-bit RGB without filters. */
function decode(png: Buffer) {
  expect(png.subarray(0, 8)).toEqual(Buffer.from("\x89PNG\r\n\x1a\n", "latin1"));
  const chunks = new Map<string, Buffer>();
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at))
    chunks.set(png.toString("latin1", at + 4, at + 8), png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  const header = chunks.get("IHDR")!;
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const rows = inflateSync(chunks.get("IDAT")!);
  const pixel = (x: number, y: number) => [
    ...rows.subarray(y * (3 * width + 1) + 1 + 3 * x, y * (3 * width + 1) + 4 + 3 * x),
  ];
  return { width, height, title: chunks.get("tEXt")?.toString("latin1"), pixel };
}

test("a surface: the body in the middle, white beside it, colours at the right", () => {
  const mesh = sphere(10);
  const { width, height, title, pixel } = decode(
    drawField({ name: "pressure", mesh, location: "points", values: pointField(mesh, 1, (x, y, z) => [z]).values }),
  );
  expect([width, height, title]).toEqual([1200, 800, "Title\0pressure"]);
  expect(pixel(5, 5)).toEqual([255, 255, 255]);
  const [top, bottom] = [pixel(545, 150), pixel(545, 700)] as [number[], number[]];
  expect(top[0]! > top[2]!).toBe(true); // red above zero
  expect(bottom[2]! > bottom[0]!).toBe(true); // blue below
  expect(pixel(1100, 90)[0]! > pixel(1100, 90)[2]!).toBe(true);
});

test("values on cells colour whole cells, volumes and clouds are points, NaN is grey", () => {
  const mesh = sphere(6);
  const cells = Float32Array.from({ length: mesh.numberOfCells }, (_, i) => i);
  expect(decode(drawField({ name: "c", mesh, location: "cells", values: cells })).pixel(545, 400)).not.toEqual([
    255, 255, 255,
  ]);
  const volume = box(3);
  expect(() => drawField({ name: "v", mesh: volume, location: "cells", values: new Float32Array(27) })).not.toThrow();
  const cloud = new Mesh({ points: Float32Array.of(0, 0, 0, 1, 0, 0, 1, 1, 0) });
  const { pixel } = decode(
    drawField({ name: "n", mesh: cloud, location: "points", values: Float32Array.of(NaN, NaN, NaN) }),
  );
  expect(pixel(185, 760)).toEqual([160, 160, 160]);
});
