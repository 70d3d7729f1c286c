/* Draws points and triangles coloured by a field on a plain canvas: no graphics card, no network. */
"use strict";

const picture = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const [canvas, axes, reading] = [byId("canvas"), byId("axes"), byId("reading")];

// ---- data

function decode(text, Type) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return new Type(bytes.buffer);
}

const parts = picture.parts.map((part) => ({
  ...part,
  points: decode(part.points, Float32Array),
  triangles: part.triangles === null ? null : decode(part.triangles, Int32Array),
  fields: part.fields.map((field) => ({ ...field, values: decode(field.values, Float32Array) })),
}));

/** Fields by name; parts may have different ones. */
const fieldNames = [...new Set(parts.flatMap((part) => part.fields.map((field) => field.name)))];
const fieldOf = (part, name) => part.fields.find((field) => field.name === name);

// ---- colours

const MAPS = {
  viridis: ["440154", "482878", "3e4989", "31688e", "26828e", "1f9e89", "35b779", "6ece58", "b5de2b", "fde725"],
  "blue – red": ["3b4cc0", "6f92f3", "aac7fd", "dddddd", "f7b89c", "e7745b", "b40426"],
  grey: ["101010", "f4f4f4"],
};
const NONE = [150, 150, 150];

/** 256 colours (r, g, b) between the given ones. */
function lookupTable(name) {
  const stops = MAPS[name].map((hex) => [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16)));
  const table = new Uint8Array(3 * 256);
  for (let i = 0; i < 256; i++) {
    const at = (i / 255) * (stops.length - 1);
    const from = Math.min(Math.floor(at), stops.length - 2);
    for (let c = 0; c < 3; c++)
      table[3 * i + c] = Math.round(stops[from][c] + (at - from) * (stops[from + 1][c] - stops[from][c]));
  }
  return table;
}

// ---- what is shown

const state = {
  field: fieldNames[0] ?? null,
  component: 0,
  low: 0,
  high: 1,
  map: "viridis",
  table: lookupTable("viridis"),
  size: parts.every((part) => part.triangles !== null) ? 2 : 3,
  cutAxis: 0,
  cut: 1,
  turn: -0.7,
  tilt: 0.45,
  zoom: 1,
  move: [0, 0],
};
for (const part of parts) part.visible = part.isShown;

const bounds = { min: [Infinity, Infinity, Infinity], max: [-Infinity, -Infinity, -Infinity] };
let [centre, radius] = [[0, 0, 0], 1];

/** Centre and size of what is visible. */
function measure() {
  const chosen = parts.filter((part) => part.visible);
  bounds.min = [Infinity, Infinity, Infinity];
  bounds.max = [-Infinity, -Infinity, -Infinity];
  for (const { points } of chosen.length > 0 ? chosen : parts) {
    for (let i = 0; i < points.length; i++) {
      if (points[i] < bounds.min[i % 3]) bounds.min[i % 3] = points[i];
      if (points[i] > bounds.max[i % 3]) bounds.max[i % 3] = points[i];
    }
  }
  if (!Number.isFinite(bounds.min[0])) return;
  centre = bounds.min.map((low, d) => (low + bounds.max[d]) / 2);
  radius = Math.hypot(...bounds.min.map((low, d) => bounds.max[d] - low)) / 2 || 1;
}

/** The numbers that colour a part, one a point or triangle; null where it has no such field. */
function scalars(part) {
  const field = state.field === null ? undefined : fieldOf(part, state.field);
  if (field === undefined) return null;
  if (part.cached?.key === `${state.field} ${state.component}`) return part.cached;
  const { components, values, location } = field;
  const rows = values.length / components;
  const result = components === 1 ? values : new Float32Array(rows);
  // component 0 of several is the magnitude
  if (components > 1) {
    for (let row = 0; row < rows; row++) {
      if (state.component > 0) result[row] = values[row * components + Math.min(state.component, components) - 1];
      else {
        let sum = 0;
        for (let c = 0; c < components; c++) sum += values[row * components + c] ** 2;
        result[row] = Math.sqrt(sum);
      }
    }
  }
  part.cached = { key: `${state.field} ${state.component}`, values: result, location };
  return part.cached;
}

/** The range of the field over all visible parts, without a share of the values at both ends. */
function fieldRange(share) {
  const all = parts
    .filter((part) => part.visible)
    .flatMap((part) => (scalars(part) === null ? [] : [scalars(part).values]));
  let [low, high] = [Infinity, -Infinity];
  if (share === 0) {
    for (const values of all) {
      for (const value of values) {
        if (!Number.isFinite(value)) continue;
        if (value < low) low = value;
        if (value > high) high = value;
      }
    }
  } else {
    const finite = Float32Array.from(all.flatMap((values) => [...values].filter(Number.isFinite))).sort();
    if (finite.length > 0)
      [low, high] = [
        finite[Math.floor(share * (finite.length - 1))],
        finite[Math.ceil((1 - share) * (finite.length - 1))],
      ];
  }
  return low <= high ? [low, high] : [0, 1];
}

// ---- drawing

let [width, height] = [0, 0];
let image = null;
let pixels = null;
let depths = null;
/** Which part and point is at a pixel: part + 1 in the upper 8 bits. */
let owners = null;
const background = () => {
  const [r, g, b] = getComputedStyle(document.documentElement)
    .getPropertyValue("--back")
    .match(/[0-9a-f]{2}/gi)
    .map((hex) => parseInt(hex, 16));
  return 0xff000000 | (b << 16) | (g << 8) | r;
};

function prepare(scale) {
  const { clientWidth, clientHeight } = canvas;
  const [w, h] = [Math.max(1, Math.round(clientWidth * scale)), Math.max(1, Math.round(clientHeight * scale))];
  if (w !== width || h !== height || image === null) {
    [width, height] = [canvas.width, canvas.height] = [w, h];
    image = new ImageData(w, h);
    pixels = new Uint32Array(image.data.buffer);
    depths = new Float32Array(w * h);
    owners = new Uint32Array(w * h);
  }
  pixels.fill(background());
  depths.fill(-Infinity);
  owners.fill(0);
}

/** Rows of the matrix from space to the screen: right, up, towards the eye. z points up. */
function viewMatrix() {
  const [ct, st, cp, sp] = [Math.cos(state.turn), Math.sin(state.turn), Math.cos(state.tilt), Math.sin(state.tilt)];
  return [
    [ct, st, 0],
    [-st * sp, ct * sp, cp],
    [st * cp, -ct * cp, sp],
  ];
}

function project(part, matrix, scale) {
  const { points } = part;
  const count = points.length / 3;
  const screen = part.screen ?? (part.screen = new Float32Array(points.length));
  const limit =
    state.cut >= 1
      ? Infinity
      : bounds.min[state.cutAxis] + state.cut * (bounds.max[state.cutAxis] - bounds.min[state.cutAxis]);
  const [right, up, eye] = matrix;
  const [ox, oy] = [width / 2 + state.move[0] * height, height / 2 + state.move[1] * height];
  for (let i = 0; i < count; i++) {
    const at = 3 * i;
    const [x, y, z] = [points[at] - centre[0], points[at + 1] - centre[1], points[at + 2] - centre[2]];
    screen[at] = ox + scale * (right[0] * x + right[1] * y + right[2] * z);
    screen[at + 1] = oy - scale * (up[0] * x + up[1] * y + up[2] * z);
    screen[at + 2] = points[at + state.cutAxis] > limit ? NaN : eye[0] * x + eye[1] * y + eye[2] * z;
  }
  return screen;
}

/** Packs the colour of a value, darkened by `shade`. */
function colourOf(value, shade) {
  if (!(Math.abs(value) <= 3.5e38))
    return 0xff000000 | ((NONE[2] * shade) << 16) | ((NONE[1] * shade) << 8) | (NONE[0] * shade);
  const share = (value - state.low) / (state.high - state.low || 1);
  const at = 3 * Math.max(0, Math.min(255, Math.round(255 * share)));
  const { table } = state;
  return 0xff000000 | ((table[at + 2] * shade) << 16) | ((table[at + 1] * shade) << 8) | (table[at] * shade);
}

function drawPoints(screen, values, owner, size) {
  const count = screen.length / 3;
  const half = size >> 1;
  for (let i = 0; i < count; i++) {
    const depth = screen[3 * i + 2];
    if (!(depth > -Infinity)) continue;
    const [x0, y0] = [Math.round(screen[3 * i]) - half, Math.round(screen[3 * i + 1]) - half];
    if (x0 + size <= 0 || y0 + size <= 0 || x0 >= width || y0 >= height) continue;
    const colour = colourOf(
      values === null ? NaN : values[i],
      0.82 + (0.18 * Math.max(-1, Math.min(1, depth / radius)) + 0.18) / 2,
    );
    for (let y = Math.max(0, y0); y < Math.min(height, y0 + size); y++) {
      for (let x = Math.max(0, x0); x < Math.min(width, x0 + size); x++) {
        const at = y * width + x;
        if (depth <= depths[at]) continue;
        depths[at] = depth;
        pixels[at] = colour;
        owners[at] = owner | i;
      }
    }
  }
}

function drawTriangles(screen, triangles, scalar, owner, scale) {
  const values = scalar?.values ?? null;
  const perTriangle = scalar?.location === "cells";
  for (let t = 0; t < triangles.length; t += 3) {
    const [a, b, c] = [3 * triangles[t], 3 * triangles[t + 1], 3 * triangles[t + 2]];
    const [ax, ay, az, bx, by, bz, cx, cy, cz] = [
      screen[a],
      screen[a + 1],
      screen[a + 2],
      screen[b],
      screen[b + 1],
      screen[b + 2],
      screen[c],
      screen[c + 1],
      screen[c + 2],
    ];
    if (!(az + bz + cz > -Infinity)) continue;
    const area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay);
    if (area === 0) continue;
    const [x0, x1] = [
      Math.max(0, Math.floor(Math.min(ax, bx, cx))),
      Math.min(width - 1, Math.ceil(Math.max(ax, bx, cx))),
    ];
    const [y0, y1] = [
      Math.max(0, Math.floor(Math.min(ay, by, cy))),
      Math.min(height - 1, Math.ceil(Math.max(ay, by, cy))),
    ];
    if (x0 > x1 || y0 > y1) continue;
    // light from the eye: the share of the triangle's area that it sees
    const [ux, uy, uz, vx, vy, vz] = [bx - ax, by - ay, (bz - az) * scale, cx - ax, cy - ay, (cz - az) * scale];
    const [nx, ny, nz] = [uy * vz - uz * vy, uz * vx - ux * vz, area];
    const shade = 0.45 + 0.55 * (Math.abs(nz) / (Math.sqrt(nx * nx + ny * ny + nz * nz) || 1));
    const flat = values === null ? NaN : values[perTriangle ? t / 3 : triangles[t]];
    const isFlat = values === null || perTriangle;
    const [va, vb, vc] = isFlat
      ? [flat, flat, flat]
      : [values[triangles[t]], values[triangles[t + 1]], values[triangles[t + 2]]];
    const flatColour = isFlat ? colourOf(flat, shade) : 0;
    const inverse = 1 / area;
    for (let y = y0; y <= y1; y++) {
      for (let x = x0; x <= x1; x++) {
        const wb = ((x - ax) * (cy - ay) - (cx - ax) * (y - ay)) * inverse;
        const wc = ((bx - ax) * (y - ay) - (x - ax) * (by - ay)) * inverse;
        const wa = 1 - wb - wc;
        if (wa < -1e-4 || wb < -1e-4 || wc < -1e-4) continue;
        const depth = wa * az + wb * bz + wc * cz;
        const at = y * width + x;
        if (depth <= depths[at]) continue;
        depths[at] = depth;
        pixels[at] = isFlat ? flatColour : colourOf(wa * va + wb * vb + wc * vc, shade);
        owners[at] =
          owner |
          (perTriangle || (wa >= wb && wa >= wc)
            ? perTriangle
              ? t / 3
              : triangles[t]
            : wb >= wc
              ? triangles[t + 1]
              : triangles[t + 2]);
      }
    }
  }
}

function draw(isMoving) {
  const ratio = Math.min(window.devicePixelRatio || 1, 2);
  prepare(isMoving ? Math.min(1, ratio) * 0.6 : ratio);
  const matrix = viewMatrix();
  const scale = (state.zoom * 0.46 * Math.min(width, height * 1.4)) / radius;
  const size = Math.max(1, Math.round((state.size * width) / canvas.clientWidth));
  parts.forEach((part, index) => {
    if (!part.visible) return;
    const screen = project(part, matrix, scale);
    const scalar = scalars(part);
    const owner = ((index + 1) << 24) >>> 0;
    if (part.triangles === null) drawPoints(screen, scalar?.values ?? null, owner, size);
    else drawTriangles(screen, part.triangles, scalar, owner, scale);
  });
  canvas.getContext("2d").putImageData(image, 0, 0);
  drawAxes(matrix);
}

/** x, y and z in the corner. */
function drawAxes(matrix) {
  const ratio = window.devicePixelRatio || 1;
  [axes.width, axes.height] = [axes.clientWidth * ratio, axes.clientHeight * ratio];
  const context = axes.getContext("2d");
  context.scale(ratio, ratio);
  context.font = "12px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineWidth = 2;
  const [ox, oy] = [axes.clientWidth - 48, 48];
  ["#d64545", "#2f9e5b", "#3d7fe0"].forEach((colour, d) => {
    const [x, y] = [ox + 30 * matrix[0][d], oy - 30 * matrix[1][d]];
    context.strokeStyle = context.fillStyle = colour;
    context.beginPath();
    context.moveTo(ox, oy);
    context.lineTo(x, y);
    context.stroke();
    context.fillText("xyz"[d], ox + 40 * matrix[0][d], oy - 40 * matrix[1][d]);
  });
}

let [pending, settle] = [0, 0];
function redraw(isMoving = false) {
  cancelAnimationFrame(pending);
  pending = requestAnimationFrame(() => draw(isMoving));
  clearTimeout(settle);
  if (isMoving) settle = setTimeout(() => redraw(), 140);
}

// ---- reading a value

const number = (value) => (Number.isFinite(value) ? String(Number(value.toPrecision(5))) : String(value));

function read(event) {
  const x = Math.floor((event.offsetX / canvas.clientWidth) * width);
  const y = Math.floor((event.offsetY / canvas.clientHeight) * height);
  const owner = x >= 0 && y >= 0 && x < width && y < height ? owners[y * width + x] : 0;
  reading.hidden = owner === 0;
  if (owner === 0) return;
  const [part, item] = [parts[(owner >>> 24) - 1], owner & 0xffffff];
  const scalar = scalars(part);
  const point = scalar?.location === "cells" ? part.triangles[3 * item] : item;
  const place = [0, 1, 2].map((d) => number(part.points[3 * point + d] + picture.origin[d])).join(", ");
  const value = scalar === null ? "" : `${label()} = ${number(scalar.values[item])}${unitText()} · `;
  reading.textContent = `${value}(${place}) · ${part.name}`;
}

const unitOf = () => parts.map((part) => fieldOf(part, state.field)?.unit).find(Boolean);
const unitText = () => (unitOf() === undefined ? "" : ` ${unitOf()}`);
const componentNames = (count) =>
  count <= 3
    ? ["x", "y", "z"].slice(0, count)
    : count === 6
      ? ["xx", "xy", "xz", "yy", "yz", "zz"]
      : Array.from({ length: count }, (_, i) => String(i));
function label() {
  const count = componentsOf(state.field);
  return count === 1
    ? state.field
    : state.component === 0
      ? `|${state.field}|`
      : `${state.field} ${componentNames(count)[state.component - 1]}`;
}
function componentsOf(name) {
  return Math.max(1, ...parts.map((part) => fieldOf(part, name)?.components ?? 1));
}

// ---- settings

function option(value, text) {
  const element = document.createElement("option");
  [element.value, element.textContent] = [value, text];
  return element;
}

function showBar() {
  const colours = Array.from({ length: 17 }, (_, i) => {
    const at = 3 * Math.round((255 * i) / 16);
    return `rgb(${state.table[at]} ${state.table[at + 1]} ${state.table[at + 2]})`;
  });
  byId("bar").style.background = `linear-gradient(to right, ${colours.join(", ")})`;
  const [left, middle, right] = byId("ticks").children;
  left.textContent = number(state.low);
  middle.textContent = number((state.low + state.high) / 2) + unitText();
  right.textContent = number(state.high);
  byId("low").value = number(state.low);
  byId("high").value = number(state.high);
}

function setRange(share) {
  [state.low, state.high] = fieldRange(share);
  showBar();
  redraw();
}

function chooseField() {
  const components = state.field === null ? 1 : componentsOf(state.field);
  const select = byId("component");
  select.hidden = components === 1;
  select.replaceChildren(
    option("0", "magnitude"),
    ...componentNames(components).map((name, i) => option(String(i + 1), name)),
  );
  state.component = 0;
  setRange(0);
}

byId("title").textContent = picture.title;
byId("about").textContent = picture.about;
byId("field").replaceChildren(
  ...(fieldNames.length === 0 ? [option("", "no fields")] : fieldNames.map((name) => option(name, name))),
);
byId("colours").replaceChildren(...Object.keys(MAPS).map((name) => option(name, name)));
byId("size").value = String(state.size);
for (const part of parts) {
  const row = document.createElement("label");
  const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: part.visible });
  box.addEventListener("change", () => {
    part.visible = box.checked;
    measure();
    setRange(0);
  });
  const count = document.createElement("small");
  count.textContent = part.count;
  row.append(box, part.name, count);
  byId("parts").append(row);
}

byId("field").addEventListener("change", (event) => {
  state.field = event.target.value;
  chooseField();
});
byId("component").addEventListener("change", (event) => {
  state.component = Number(event.target.value);
  setRange(0);
});
byId("colours").addEventListener("change", (event) => {
  state.map = event.target.value;
  state.table = lookupTable(state.map);
  showBar();
  redraw();
});
for (const side of ["low", "high"]) {
  byId(side).addEventListener("change", (event) => {
    const value = Number(event.target.value);
    if (event.target.value !== "" && Number.isFinite(value)) state[side] = value;
    showBar();
    redraw();
  });
}
byId("all").addEventListener("click", () => setRange(0));
byId("most").addEventListener("click", () => setRange(0.02));
byId("size").addEventListener("input", (event) => {
  state.size = Number(event.target.value);
  redraw();
});
byId("axis").addEventListener("change", (event) => {
  state.cutAxis = Number(event.target.value);
  redraw();
});
byId("cut").addEventListener("input", (event) => {
  state.cut = Number(event.target.value);
  redraw(true);
});
const LOOKS = { x: [-Math.PI / 2, 0], y: [0, 0], z: [0, Math.PI / 2] };
for (const button of document.querySelectorAll("[data-look]")) {
  button.addEventListener("click", () => {
    [state.turn, state.tilt] = LOOKS[button.dataset.look];
    redraw();
  });
}
function reset() {
  Object.assign(state, { turn: -0.7, tilt: 0.45, zoom: 1, move: [0, 0] });
  redraw();
}
byId("reset").addEventListener("click", reset);

// ---- mouse, fingers and keys

const pointers = new Map();
canvas.addEventListener("pointerdown", (event) => {
  canvas.setPointerCapture(event.pointerId);
  pointers.set(event.pointerId, [event.clientX, event.clientY]);
  read(event);
});
for (const name of ["pointerup", "pointercancel"])
  canvas.addEventListener(name, (event) => pointers.delete(event.pointerId));
canvas.addEventListener("pointermove", (event) => {
  const before = pointers.get(event.pointerId);
  if (before === undefined) return read(event);
  const now = [event.clientX, event.clientY];
  const [dx, dy] = [now[0] - before[0], now[1] - before[1]];
  if (pointers.size === 2) {
    const other = [...pointers].find(([id]) => id !== event.pointerId)[1];
    const distance = (from) => Math.hypot(from[0] - other[0], from[1] - other[1]) || 1;
    zoom(distance(now) / distance(before));
    move(dx / 2, dy / 2);
  } else if (event.shiftKey || event.buttons === 2 || event.buttons === 4) move(dx, dy);
  else turn(dx, dy);
  pointers.set(event.pointerId, now);
  redraw(true);
});
canvas.addEventListener("contextmenu", (event) => event.preventDefault());
canvas.addEventListener("dblclick", reset);
canvas.addEventListener(
  "wheel",
  (event) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.0015)));
    redraw(true);
  },
  { passive: false },
);
canvas.addEventListener("keydown", (event) => {
  const turns = { ArrowLeft: [-20, 0], ArrowRight: [20, 0], ArrowUp: [0, -20], ArrowDown: [0, 20] };
  if (event.key in turns) turn(...turns[event.key]);
  else if (event.key === "+" || event.key === "=") zoom(1.2);
  else if (event.key === "-") zoom(1 / 1.2);
  else if (event.key === "0") return reset();
  else return;
  event.preventDefault();
  redraw(true);
});

function turn(dx, dy) {
  state.turn -= dx * 0.008;
  state.tilt = Math.max(-Math.PI / 2, Math.min(Math.PI / 2, state.tilt + dy * 0.008));
}
function move(dx, dy) {
  state.move = [state.move[0] + dx / canvas.clientHeight, state.move[1] + dy / canvas.clientHeight];
}
function zoom(factor) {
  state.zoom = Math.max(0.05, Math.min(500, state.zoom * factor));
}

new ResizeObserver(() => redraw()).observe(canvas);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraw());
/** A field that shows something: the first one number a point that is not the same everywhere, else the first such of several. */
function chooseFirstField() {
  const candidates = [...fieldNames].sort((a, b) => (componentsOf(a) === 1 ? 0 : 1) - (componentsOf(b) === 1 ? 0 : 1));
  const differs = (name) => {
    state.field = name;
    const [low, high] = fieldRange(0);
    return high > low && parts.some((part) => part.visible && scalars(part) !== null);
  };
  state.field = candidates.find(differs) ?? fieldNames[0] ?? null;
  if (state.field !== null) byId("field").value = state.field;
}

measure();
chooseFirstField();
chooseField();
