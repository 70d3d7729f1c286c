// The page that shows predictions in three dimensions. Bundled with vtk.js by scripts/build.mjs.
import "@kitware/vtk.js/Rendering/Profiles/Geometry";
import vtkGenericRenderWindow from "@kitware/vtk.js/Rendering/Misc/GenericRenderWindow";
import vtkActor from "@kitware/vtk.js/Rendering/Core/Actor";
import vtkMapper from "@kitware/vtk.js/Rendering/Core/Mapper";
import vtkRenderer from "@kitware/vtk.js/Rendering/Core/Renderer";
import vtkPolyData from "@kitware/vtk.js/Common/DataModel/PolyData";
import vtkDataArray from "@kitware/vtk.js/Common/Core/DataArray";
import vtkColorTransferFunction from "@kitware/vtk.js/Rendering/Core/ColorTransferFunction";
import vtkPointPicker from "@kitware/vtk.js/Rendering/Core/PointPicker";

const by = (id) => document.getElementById(id);
const scenes = JSON.parse(by("scenes").textContent) ?? [];
const isServer = by("scenes").textContent.trim() === "null";

/** Colours from low to high: perceptually even (viridis), and for differences blue, white, red. */
const MAPS = {
  even: ["#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"],
  signed: ["#2166ac", "#67a9cf", "#d1e5f0", "#f7f7f7", "#fddbc7", "#ef8a62", "#b2182b"],
};

/** Of what has no values of the chosen field. */
const GREY = [0.7, 0.7, 0.7];

const bytes = (text) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0)).buffer;
const floats = (text) => new Float32Array(bytes(text));

/** A scene with its arrays decoded. */
function decode(scene) {
  const domains = scene.domains.map((domain) => ({
    ...domain,
    points: floats(domain.points),
    triangles: domain.triangles === null ? null : new Uint32Array(bytes(domain.triangles)),
    fields: domain.fields.map((field) => ({
      ...field,
      predicted: floats(field.predicted),
      truth: field.truth === null ? null : floats(field.truth),
    })),
  }));
  return { ...scene, domains };
}

// ---- the view

const holder = vtkGenericRenderWindow.newInstance();
holder.setContainer(by("view"));
const renderWindow = holder.getRenderWindow();
const left = holder.getRenderer();
const right = vtkRenderer.newInstance();
right.setActiveCamera(left.getActiveCamera());
renderWindow.addRenderer(right);
const isDark = matchMedia("(prefers-color-scheme: dark)");
function paintBackground() {
  const colour = isDark.matches ? [0.07, 0.08, 0.11] : [0.93, 0.945, 0.96];
  for (const renderer of [left, right]) renderer.setBackground(...colour);
}
isDark.addEventListener("change", () => (paintBackground(), renderWindow.render()));
paintBackground();
new ResizeObserver(() => (holder.resize(), renderWindow.render())).observe(by("view"));

/** Cells of polygonal data: triangles, or single points. */
function polyData({ points, triangles }) {
  const data = vtkPolyData.newInstance();
  data.getPoints().setData(points, 3);
  const corners = triangles === null ? 1 : 3;
  const count = triangles === null ? points.length / 3 : triangles.length / 3;
  const cells = new Uint32Array(count * (corners + 1));
  for (let i = 0; i < count; i++) {
    cells[i * (corners + 1)] = corners;
    for (let c = 0; c < corners; c++) cells[i * (corners + 1) + 1 + c] = triangles === null ? i : triangles[3 * i + c];
  }
  (triangles === null ? data.getVerts() : data.getPolys()).setData(cells);
  return data;
}

// ---- what is shown

let current = null;
let previous = null;
const hidden = new Set();
/** What the actors show, for the probe. */
const probed = new Map();

/** A quantity of a field at each point: a component, or the length of a vector. */
function scalars(field, shown, component) {
  const { components: width } = field;
  const source = shown === "truth" ? field.truth : field.predicted;
  if (source === null) return null;
  const count = source.length / width;
  const result = new Float32Array(count);
  const of = (array, i) =>
    component >= 0 ? array[i * width + component] : Math.hypot(...array.subarray(i * width, i * width + width));
  for (let i = 0; i < count; i++) {
    result[i] = of(source, i);
    if (shown === "difference") {
      if (field.truth === null) return null;
      result[i] -= of(field.truth, i);
    }
  }
  return result;
}

/** What can be chosen as field: names over all domains, of vectors the length and each component. */
function fieldChoices() {
  const found = new Map();
  for (const { fields } of current.domains) {
    for (const { name, components } of fields) {
      found.set(components === 1 ? name : `|${name}|`, { name, component: components === 1 ? 0 : -1 });
      if (components > 1)
        for (let c = 0; c < components; c++) found.set(`${name} ${"xyz"[c] ?? c}`, { name, component: c });
    }
  }
  return found;
}

const LABELS = { predicted: "predicted", truth: "truth", difference: "predicted − truth", previous: "the one before" };

function fill(select, values, label = (value) => value) {
  const before = select.value;
  select.replaceChildren(...values.map((value) => new Option(label(value), value)));
  if (values.includes(before)) select.value = before;
}

function show(scene, keepCamera = false) {
  current = scene;
  by("title").textContent = scene.title;
  by("about").textContent = scene.about;
  document.title = `${scene.title} · noether-ts`;
  const hasTruth = scene.domains.some(({ fields }) => fields.some(({ truth }) => truth !== null));
  fill(by("field"), [...fieldChoices().keys()]);
  fill(by("shown"), ["predicted", ...(hasTruth ? ["truth", "difference"] : [])], (name) => LABELS[name]);
  const others = [...(hasTruth ? ["truth", "difference"] : []), ...(previous ? ["previous"] : [])];
  fill(by("beside"), ["", ...others], (name) => (name === "" ? "nothing" : LABELS[name]));
  by("checks").replaceChildren(
    ...scene.domains.map(({ name }) => {
      const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: !hidden.has(name) });
      box.addEventListener("change", () => (box.checked ? hidden.delete(name) : hidden.add(name), draw()));
      const row = document.createElement("label");
      row.append(box, name || "points");
      return row;
    }),
  );
  draw();
  if (!keepCamera) {
    const flat = scene.domains.every(({ points }) => points.every((value, i) => i % 3 !== 2 || value === 0));
    const camera = left.getActiveCamera();
    camera.setFocalPoint(0, 0, 0);
    camera.setPosition(...(flat ? [0, 0, 1] : [-1, -1.4, 0.8]));
    camera.setViewUp(...(flat ? [0, 1, 0] : [0, 0, 1]));
    left.resetCamera();
  }
  renderWindow.render();
}

function draw() {
  const choice = fieldChoices().get(by("field").value);
  const shown = by("shown").value;
  const beside = by("beside").value;
  const panes = [{ renderer: left, scene: current, shown }];
  if (beside !== "")
    panes.push({
      renderer: right,
      scene: beside === "previous" ? previous : current,
      shown: beside === "previous" ? shown : beside,
    });
  left.setViewport(0, 0, beside === "" ? 1 : 0.5, 1);
  right.setViewport(0.5, 0, 1, 1);
  right.setDraw(beside !== "");
  by("names").replaceChildren(
    ...(beside === "" ? [] : [LABELS[shown], LABELS[beside]]).map((text) =>
      Object.assign(document.createElement("span"), { textContent: text }),
    ),
  );
  const drawn = panes.flatMap(({ renderer, scene, shown: what }) =>
    scene.domains
      .filter(({ name }) => !hidden.has(name))
      .map((domain) => {
        const field = domain.fields.find(({ name }) => name === choice.name);
        return { renderer, domain, what, values: field ? scalars(field, what, choice.component) : null };
      }),
  );
  // values that are compared have one scale; a difference has its own, about zero
  const scaleOf = (isDifference) => {
    let [low, high] = [Infinity, -Infinity];
    for (const { values, what } of drawn) {
      if (values === null || (what === "difference") !== isDifference) continue;
      for (const value of values)
        if (Number.isFinite(value)) [low, high] = [Math.min(low, value), Math.max(high, value)];
    }
    if (isDifference) high = Math.max(Math.abs(low), Math.abs(high));
    return isDifference ? [-high, high] : [low, high];
  };
  const scales = { values: scaleOf(false), difference: scaleOf(true) };
  for (const renderer of [left, right]) renderer.removeAllViewProps();
  probed.clear();
  for (const { renderer, domain, what, values } of drawn) {
    const data = polyData(domain);
    const mapper = vtkMapper.newInstance({ interpolateScalarsBeforeMapping: true });
    const actor = vtkActor.newInstance();
    if (values !== null) {
      data.getPointData().setScalars(vtkDataArray.newInstance({ name: "shown", values }));
      const range = what === "difference" ? scales.difference : scales.values;
      mapper.setLookupTable(colours(what === "difference" ? MAPS.signed : MAPS.even, range));
      mapper.setScalarRange(...range);
    } else {
      mapper.setScalarVisibility(false);
      actor.getProperty().setColor(...GREY);
    }
    mapper.setInputData(data);
    actor.setMapper(mapper);
    actor.getProperty().setPointSize(domain.points.length < 3 * 2000 ? 5 : 3);
    actor.getProperty().setAmbient(0.35);
    actor.getProperty().setDiffuse(0.65);
    probed.set(actor, { values, name: domain.name });
    renderer.addActor(actor);
  }
  const first = shown === "difference" ? ["signed", scales.difference] : ["even", scales.values];
  by("barName").textContent = `${by("field").value}, ${LABELS[shown]} (units of the training data)`;
  by("ramp").style.background = `linear-gradient(to right, ${MAPS[first[0]].join(",")})`;
  const [low, high] = first[1];
  by("ticks").replaceChildren(
    ...[0, 0.25, 0.5, 0.75, 1].map((t) =>
      Object.assign(document.createElement("span"), { textContent: number(low + t * (high - low)) }),
    ),
  );
  const without = new Set(drawn.flatMap(({ values, domain }) => (values === null ? [domain.name || "points"] : [])));
  by("without").hidden = without.size === 0;
  by("without").textContent = `${[...without].join(", ")}: no ${choice.name}`;
  renderWindow.render();
}

function colours(map, [low, high]) {
  const table = vtkColorTransferFunction.newInstance();
  const end = high > low ? high : low + 1;
  map.forEach((colour, i) => {
    const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255);
    table.addRGBPoint(low + (i / (map.length - 1)) * (end - low), r, g, b);
  });
  return table;
}

const number = (value) => (Number.isFinite(value) ? String(Number(value.toPrecision(4))) : "–");

// ---- probe

const picker = vtkPointPicker.newInstance();
by("view").addEventListener("pointermove", (event) => {
  if (event.buttons !== 0 || current === null) return;
  const box = by("view").getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, box.bottom - event.clientY].map((value) => value * devicePixelRatio);
  const isRight = by("beside").value !== "" && event.clientX - box.left > box.width / 2;
  picker.pick([x, y, 0], isRight ? right : left);
  const [actor] = picker.getActors();
  const point = picker.getPointId();
  if (!actor || point < 0) return (by("probe").textContent = "");
  const { values, name } = probed.get(actor);
  const place = actor.getMapper().getInputData().getPoints().getPoint(point);
  by("probe").textContent = `${name} (${[...place].map(number).join(", ")}): ${values ? number(values[point]) : "–"}`;
});

// ---- download

by("download").addEventListener("click", () => {
  for (const domain of current.domains) {
    const { points, triangles, fields } = domain;
    const count = points.length / 3;
    const rows = (array, width) =>
      Array.from({ length: array.length / width }, (_, i) => array.subarray(i * width, i * width + width).join(" "));
    const cells =
      triangles === null
        ? [`VERTICES ${count} ${2 * count}`, ...Array.from({ length: count }, (_, i) => `1 ${i}`)]
        : [
            `POLYGONS ${triangles.length / 3} ${(4 * triangles.length) / 3}`,
            ...rows(triangles, 3).map((row) => `3 ${row}`),
          ];
    const arrays = fields.flatMap(({ name, components, predicted, truth }) =>
      [
        ["predicted", predicted],
        ["truth", truth],
      ]
        .filter(([, values]) => values !== null)
        .map(([what, values]) => [`${name}_${what}`.replace(/\s/g, "_"), components, values]),
    );
    const text = [
      "# vtk DataFile Version 3.0",
      `${current.title} ${domain.name}`.replace(/\s+/g, " "),
      "ASCII",
      "DATASET POLYDATA",
      `POINTS ${count} float`,
      ...rows(points, 3),
      ...cells,
      `POINT_DATA ${count}`,
      `FIELD fields ${arrays.length}`,
      ...arrays.flatMap(([name, components, values]) => [
        `${name} ${components} ${count} float`,
        ...rows(values, components),
      ]),
    ].join("\n");
    const link = Object.assign(document.createElement("a"), {
      href: URL.createObjectURL(new Blob([`${text}\n`])),
      download: `${current.title}_${domain.name || "points"}.vtk`,
    });
    link.click();
    URL.revokeObjectURL(link.href);
  }
});

// ---- predictions of the server

let token = "";
/** Asks the server, with the token that was entered. */
async function fromServer(path, { headers = {}, ...options } = {}) {
  const authorization = token === "" ? {} : { authorization: `Bearer ${token}` };
  return fetch(path, { ...options, headers: { ...headers, ...authorization } });
}

let asked = null;
let request = null;
async function ask(file, keepCamera) {
  asked = file;
  request?.abort();
  request = new AbortController();
  by("message").textContent = "";
  by("probe").textContent = "predicting …";
  const query = new URLSearchParams({ file: file.name });
  for (const input of by("conditions").querySelectorAll("[data-name]"))
    query.append("set", `${input.dataset.name}=${input.value}`);
  if (!by("sliceRow").hidden) query.set("slice", `${by("axis").value},${by("slice").value}`);
  try {
    const response = await fromServer(`predict?${query}`, {
      method: "POST",
      headers: { "content-type": "application/octet-stream", accept: "application/x-noether-scene+json" },
      body: file,
      signal: request.signal,
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.error);
    if (current !== null && !keepCamera) previous = current;
    show(decode(answer), keepCamera);
    by("probe").textContent = "";
  } catch (error) {
    if (error.name === "AbortError") return;
    by("probe").textContent = "";
    by("message").textContent = error.message;
  }
}

// ---- cases from numbers

/** Makes a case in the browser, asks the server for its fields and shows them. */
async function askShape(run, shapes) {
  const values = Object.fromEntries(
    [...by("parameters").querySelectorAll("input")].map((input) => [input.name, Number(input.value)]),
  );
  const { title, domains, conditions } = shapes.makeCase(values);
  const inputs = Object.fromEntries([
    ...Object.entries(domains).map(([name, { positions }]) => {
      const key = run.inputs.find(({ role, domain }) => role === "position" && domain === name);
      if (key === undefined) throw new Error(`the file of shapes has a domain "${name}"; the run has ${run.domains}`);
      return [key.name, { shape: [positions.length / key.channels, key.channels], base64: base64(positions) }];
    }),
    ...Object.entries(conditions).map(([name, numbers]) => [name, numbers]),
  ]);
  const response = await fromServer("predict", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ inputs, encoding: "base64" }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  const isFirst = current === null;
  show(
    {
      title,
      about: `${run.model}, checkpoint ${run.checkpoint}`,
      domains: Object.entries(domains).map(([name, { positions, triangles }]) => ({
        name,
        points: inSpace(
          positions,
          run.inputs.find(({ role, domain }) => role === "position" && domain === name),
        ),
        triangles,
        fields: run.outputs
          .filter(({ domain }) => domain === name)
          .map(({ name: key, field, channels }) => ({
            name: field,
            components: answer.fields[key].shape[1] ?? channels ?? 1,
            predicted: floats(answer.fields[key].base64),
            truth: null,
          })),
      })),
    },
    !isFirst,
  );
}

/** Points (N, 3) of points in one to three dimensions. */
function inSpace(positions, { channels }) {
  const points = new Float32Array((3 * positions.length) / channels);
  positions.forEach((value, i) => (points[3 * Math.floor(i / channels) + (i % channels)] = value));
  return points;
}

function base64(array) {
  const all = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  let text = "";
  for (let i = 0; i < all.length; i += 8192) text += String.fromCharCode(...all.subarray(i, i + 8192));
  return btoa(text);
}

/** Sliders for the parameters of a module of shapes; a move that comes during a prediction is followed by another one. */
async function addSliders(run) {
  // by hand, since an import has no headers
  const text = await (await fromServer("shapes.mjs")).text();
  const shapes = await import(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
  if (!Array.isArray(shapes.parameters) || typeof shapes.makeCase !== "function")
    throw new Error("the file of shapes: expected exports parameters and makeCase");
  let isAsking = false;
  let isStale = false;
  let isMoving = false;
  const ask = async () => {
    isStale = isAsking;
    if (isAsking) return;
    isAsking = true;
    try {
      await askShape(run, shapes);
      by("message").textContent = "";
    } catch (error) {
      by("message").textContent = error.message;
    } finally {
      isAsking = false;
    }
    if (isStale) await ask();
  };
  by("parameters").replaceChildren(
    ...shapes.parameters.map(({ name, label = name, unit = "", min, max, step, value }) => {
      const row = Object.assign(document.createElement("label"), { className: "parameter" });
      const head = document.createElement("span");
      const input = Object.assign(document.createElement("input"), { type: "range", name });
      for (const [key, given] of Object.entries({ min, max, step: step ?? "any", value }))
        input.setAttribute(key, given);
      const output = document.createElement("output");
      const say = () => (output.textContent = `${input.value} ${unit}`);
      say();
      input.addEventListener("input", () => {
        if (!isMoving) previous = current; // what a whole move is compared with
        isMoving = true;
        say();
        void ask();
      });
      input.addEventListener("change", () => (isMoving = false));
      head.append(label, output);
      row.append(head, input);
      return row;
    }),
  );
  by("parameters").hidden = false;
  await ask();
}

async function connect() {
  const response = await fromServer("run");
  const wantsToken = response.status === 401;
  by("tokenRow").hidden = !wantsToken;
  by("message").textContent = wantsToken && token !== "" ? "that is not the token of this server" : "";
  if (wantsToken) return by("token").focus();
  const run = await response.json();
  by("title").textContent = run.model;
  by("about").textContent = `${run.parameters.toLocaleString("en")} parameters, checkpoint ${run.checkpoint}`;
  by("ask").hidden = false;
  by("sliceRow").hidden = run.domains.length < 2;
  by("conditions").replaceChildren(
    ...run.inputs
      .filter(({ role }) => role === "condition")
      .map(({ name, channels, typical }) => {
        const row = document.createElement("label");
        const input = Object.assign(document.createElement("input"), {
          value: (typical ?? Array(channels ?? 1).fill(0)).map(number).join(", "),
        });
        input.dataset.name = name;
        input.addEventListener("change", () => asked && ask(asked, true));
        row.append(`${name}${channels === 1 ? "" : ` (${channels ?? "?"} numbers)`}`, input);
        return row;
      }),
  );
  if (run.shapes) {
    by("conditions").replaceChildren();
    by("ask").hidden = by("sliceRow").hidden = true;
    return addSliders(run);
  }
  by("file").addEventListener("change", () => by("file").files[0] && ask(by("file").files[0], false));
  by("drop").addEventListener("click", () => by("file").click());
  by("drop").addEventListener("keydown", ({ key }) => (key === "Enter" || key === " ") && by("file").click());
  for (const input of [by("axis"), by("slice")]) input.addEventListener("change", () => asked && ask(asked, true));
  for (const type of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(type, (event) => {
      event.preventDefault();
      by("drop").classList.toggle("over", type === "dragover");
      if (type === "drop" && event.dataTransfer.files[0]) void ask(event.dataTransfer.files[0], false);
    });
  }
}

for (const id of ["field", "shown", "beside"]) by(id).addEventListener("change", draw);
const connectOrSay = () =>
  connect().catch((error) => (by("message").textContent = `no answer from the server: ${error.message}`));
by("token").addEventListener("change", () => {
  token = by("token").value;
  void connectOrSay();
});
if (isServer) void connectOrSay();
else {
  const decoded = scenes.map(decode);
  by("caseRow").hidden = decoded.length < 2;
  by("case").replaceChildren(...decoded.map(({ title }, i) => new Option(title, i)));
  by("case").addEventListener("change", () => {
    previous = current;
    show(decoded[Number(by("case").value)]);
  });
  show(decoded[0]);
}
