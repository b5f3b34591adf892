"use strict";
// The page of tools/review.py: a map with predicted traps (outlines) and corrected ones (filled), which alone are saved.

const $ = (id) => document.getElementById(id);
const view = $("view"), pen = view.getContext("2d");
const HINTS = {
  pick: "Click inside a white outline to accept a predicted trap; click a filled trap to delete it.",
  draw: "Drag around a trap, or click its corners and double-click (or Enter) to close it. It joins a trap that it overlaps.",
  cut: "Drag around what is no trap, or click corner by corner and double-click (or Enter).",
  migrate: "Click anywhere: the way of what rises from there (blue), the closures that it fills, and where they spill.",
};
const UNDO_BYTES = 2e8, HISTORY = 100, PATIENCE = 60;  // bytes, steps, seconds that a save may take

const KEPT = "Corrections that are not saved stay in this tab; save them then.";
const ABSENT = `The server does not answer. Start tools/review.py again and open its new address in another tab. ${KEPT}`;
const RESTARTED = `The server was started again. Open the address that tools/review.py printed in another tab. ${KEPT}`;
const NO_TRAPS = '"none"';  // version of the traps of a map that has none

let map = null;      // the open map: facts, rasters and pictures
let traps = null;    // Uint8Array, 1 in corrected traps
let past = [], future = [], saved = null;
let saving = Promise.resolve();  // one save after the other
let conflict = null;  // version of the traps that were saved elsewhere meanwhile
let place = { scale: 1, x: 0, y: 0 };  // screen = cell * scale + x or y
let line = [];       // corners being drawn, in cells
let way = null;      // of what rises from a cell, or points to charge, with the outlines of the closures filled
let sheet = null;     // the picture that something is said of, see picture.js
let cursor = null, held = null, space = false, opening = 0;

// An answer of the server; an error has its status and, of other traps saved meanwhile, their version.
async function answerTo(path, options) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch (error) {
    throw new Error(error.name === "TimeoutError" ? `the server did not answer within ${PATIENCE} s` : ABSENT);
  }
  if (!answer.ok) {
    const text = await answer.text();
    let said = text.replace(/<[^>]*>/g, " ").replace(/\s+/g, " ").trim();
    try { said = JSON.parse(text).error; } catch { /* a page of the server */ }
    if (answer.status === 403 && map) said = RESTARTED;
    throw Object.assign(new Error(said), { status: answer.status, version: answer.headers.get("ETag") });
  }
  return answer;
}

const ask = async (path, kind, options) => (await answerTo(path, options))[kind]();
const raster = async (path) => new Uint8Array(await ask(path, "arrayBuffer"));

// The saved traps of a map and their version.
async function savedTraps(at) {
  const answer = await answerTo(`${at}/traps`);
  return { cells: new Uint8Array(await answer.arrayBuffer()), version: answer.headers.get("ETag") };
}
const picture = async (path) => createImageBitmap(await ask(path, "blob"), { premultiplyAlpha: "premultiply" });

async function list() {
  const { maps } = await ask("/maps", "json");
  $("maps").replaceChildren(...maps.map((entry) => {
    const button = document.createElement("button");
    button.textContent = entry.name;
    button.title = entry.refused || (entry.drawn ? "has drawn traps" : "no drawn traps yet");
    button.classList.toggle("drawn", entry.drawn);
    button.classList.toggle("refused", Boolean(entry.refused));
    if (map && map.name === entry.name) button.setAttribute("aria-current", "true");
    button.onclick = () => open(entry);
    const item = document.createElement("li");
    item.append(button);
    return item;
  }));
  $("progress").textContent = `${maps.filter((entry) => entry.drawn).length} of ${maps.length} have drawn traps (✓)`;
  return maps;
}

async function open(entry) {
  await saving;
  if (changed() && !confirm(`The corrections of ${map.name} are not saved. Leave them?`)) return;
  const turn = ++opening;
  leaveStep(entry);
  map = null; traps = null; way = null; line = []; past = []; future = []; saved = null;
  for (const button of $("maps").querySelectorAll("button")) {
    if (button.textContent === entry.name) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
  listWay(["Click on the map."]);
  say(`predicting ${entry.name} …`);
  show();
  try {
    const at = `/maps/${encodeURIComponent(entry.name)}`;
    const facts = await ask(at, "json");
    const [base, trap, inside, drawn] = await Promise.all(
      [picture(`${at}/picture`), raster(`${at}/trap`), raster(`${at}/inside`), savedTraps(at)]);
    if (turn !== opening) return;
    map = { ...facts, name: entry.name, refused: entry.refused, at, base, trap, inside, pictures: {}, layer: "",
      version: drawn.version };
    traps = drawn.cells;
    saved = drawn.version === NO_TRAPS ? null : traps.slice();
    $("threshold").value = facts.threshold;
    layers();
    say("");
    state(entry.refused, Boolean(entry.refused));
    fit();
    predicted();
    corrected();
  } catch (error) {
    if (turn === opening && stepping !== entry) {  // the step of a picture says it itself
      say(error.message, true);
      if (entry.picture) await openStep(entry);
    }
  }
  show();
}

function say(text, bad = false) {
  $("message").textContent = text;
  $("message").hidden = !text;
  $("message").classList.toggle("bad", bad);
}

function state(text, bad = false) {
  $("state").textContent = text;
  $("state").classList.toggle("bad", bad);
  $("conflict").hidden = true;
}

const same = (a, b) => a.length === b.length && a.every((value, i) => value === b[i]);
const changed = () => Boolean(map && traps && past.length && !(saved && same(traps, saved)));

function layers() {
  const choice = (name, text) => {
    const label = document.createElement("label"), input = document.createElement("input");
    Object.assign(input, { type: "radio", name: "layer", value: name, checked: name === "" });
    input.onchange = () => choose(name);
    label.append(input, ` ${text}`);
    return label;
  };
  $("layers").replaceChildren(choice("", "none"), ...map.layers.map((layer) => choice(layer.name, layer.name)));
  $("scale").hidden = true;
  $("title").textContent = map.name;
  $("about").textContent = map.title.slice(map.name.length).replace(/^: /, "");
}

async function choose(name) {
  const here = map, layer = here.layers.find((entry) => entry.name === name);
  here.layer = name;
  $("scale").hidden = !layer;
  if (layer) {
    $("bar").style.background = `linear-gradient(to right, ${layer.colours.join(", ")})`;
    $("low").textContent = layer.low;
    $("high").textContent = layer.high === null ? "highest" : Number(layer.high.toPrecision(3));
    $("unit").textContent = layer.unit;
    here.pictures[name] ??= await picture(`${here.at}/layers/${encodeURIComponent(name)}`);
  }
  show();
}

// Connected parts: cells that touch along a side, as in the polygons that tools/predict.py writes.
function part(mask, start) {
  const { columns, rows } = map, cells = [start], seen = new Uint8Array(mask.length);
  seen[start] = 1;
  for (let i = 0; i < cells.length; i++) {
    const cell = cells[i], column = cell % columns;
    const next = [column > 0 ? cell - 1 : -1, column < columns - 1 ? cell + 1 : -1, cell - columns, cell + columns];
    for (const other of next) {
      if (other >= 0 && other < rows * columns && mask[other] && !seen[other]) { seen[other] = 1; cells.push(other); }
    }
  }
  return cells;
}

function parts(mask) {
  const left = mask.slice(), found = [];
  for (let i = 0; i < left.length; i++) {
    if (!left[i]) continue;
    const cells = [i];
    left[i] = 0;
    for (let k = 0; k < cells.length; k++) {
      const cell = cells[k], column = cell % map.columns;
      for (const other of [column > 0 ? cell - 1 : -1, column < map.columns - 1 ? cell + 1 : -1,
        cell - map.columns, cell + map.columns]) {
        if (other >= 0 && other < left.length && left[other]) { left[other] = 0; cells.push(other); }
      }
    }
    found.push(cells);
  }
  return found;
}

// Edges between cells of a mask and others, as one path in cells.
function outline(mask) {
  const path = new Path2D(), { columns, rows } = map;
  const at = (row, column) => row >= 0 && row < rows && column >= 0 && column < columns && mask[row * columns + column];
  for (let row = 0; row <= rows; row++) {
    for (let column = 0; column < columns; column++) {
      const from = column;
      while (column < columns && !at(row, column) !== !at(row - 1, column)) column++;
      if (column > from) { path.moveTo(from, row); path.lineTo(column, row); }
    }
  }
  for (let column = 0; column <= columns; column++) {
    for (let row = 0; row < rows; row++) {
      const from = row;
      while (row < rows && !at(row, column) !== !at(row, column - 1)) row++;
      if (row > from) { path.moveTo(column, from); path.lineTo(column, row); }
    }
  }
  return path;
}

function predicted() {
  const level = Number($("threshold").value), mask = new Uint8Array(map.trap.length);
  $("level").textContent = level.toFixed(2);
  for (let i = 0; i < mask.length; i++) mask[i] = map.trap[i] > 255 * level && map.inside[i] ? 1 : 0;
  const all = parts(mask), large = all.filter((cells) => cells.length >= map.smallest);
  for (const cells of all) if (cells.length < map.smallest) for (const cell of cells) mask[cell] = 0;
  map.predicted = mask;
  map.predictedLine = outline(mask);
  $("found").textContent = map.predicts ? count(large) : "the network has no trap head";
}

function corrected() {
  const fill = new ImageData(map.columns, map.rows);
  for (let i = 0; i < traps.length; i++) if (traps[i]) fill.data.set([255, 0, 190, 110], 4 * i);
  map.fill ??= new OffscreenCanvas(map.columns, map.rows);
  map.fill.getContext("2d").putImageData(fill, 0, 0);
  map.line = outline(traps);
  $("kept").textContent = count(parts(traps));
}

function count(found) {
  const cells = found.reduce((sum, one) => sum + one.length, 0);
  const share = 100 * cells / map.inside.reduce((sum, one) => sum + one, 0);
  return `${found.length} ${found.length === 1 ? "trap" : "traps"}, ${share.toFixed(1)} % of the map`;
}

function edit(change) {
  const before = traps.slice();
  change();
  for (let i = 0; i < traps.length; i++) if (!map.inside[i]) traps[i] = 0;
  if (same(before, traps)) return;
  past.push(before);
  past = past.slice(-Math.max(5, Math.min(HISTORY, Math.floor(UNDO_BYTES / traps.length))));
  future = [];
  state("");
  corrected();
  show();
}

function step(from, to) {
  if (!from.length) return;
  to.push(traps.slice());
  traps = from.pop();
  state("");
  corrected();
  show();
}

function pick(row, column) {
  const cell = row * map.columns + column;
  if (traps[cell]) edit(() => part(traps, cell).forEach((one) => { traps[one] = 0; }));
  else if (map.predicted[cell]) edit(() => part(map.predicted, cell).forEach((one) => { traps[one] = 1; }));
}

// The way of what rises from a cell, or the best points to charge, with the closures that they fill.
async function showWay(path) {
  const at = map.at;
  listWay(["…"]);
  try {
    map.closures ??= (await ask(`${at}/closures`, "json")).outlines;
    const found = await ask(`${at}/${path}`, "json");
    if (!map || map.at !== at) return;
    way = { ...found, filled: new Path2D() };
    for (const key of found.chain) {
      for (const ring of map.closures[key]) {
        ring.forEach(([row, column], i) => (i ? way.filled.lineTo(column + 0.5, row + 0.5)
          : way.filled.moveTo(column + 0.5, row + 0.5)));
      }
    }
    listWay(found.lines);
  } catch (error) {
    way = null;
    listWay([error.message]);
  }
  show();
}

function listWay(lines) {
  $("way").replaceChildren(...lines.map((text) => {
    const item = document.createElement("li");
    item.textContent = text;
    return item;
  }));
}

// Cells whose centre lies inside the corners, by the even-odd rule.
function close() {
  const corners = line, value = tool() === "cut" ? 0 : 1;
  line = [];
  if (corners.length > 2) {
    edit(() => {
      for (let row = 0; row < map.rows; row++) {
        const y = row + 0.5, crossings = [];
        corners.forEach(([x1, y1], i) => {
          const [x2, y2] = corners[(i + 1) % corners.length];
          if (y1 <= y !== y2 <= y) crossings.push(x1 + (y - y1) * (x2 - x1) / (y2 - y1));
        });
        crossings.sort((a, b) => a - b);
        for (let i = 0; i + 1 < crossings.length; i += 2) {
          const last = Math.min(map.columns - 1, Math.ceil(crossings[i + 1] - 0.5) - 1);
          for (let column = Math.max(0, Math.ceil(crossings[i] - 0.5)); column <= last; column++) {
            traps[row * map.columns + column] = value;
          }
        }
      }
    });
  }
  show();
}

const tool = () => document.querySelector("[name=tool]:checked").value;

function take(name) {
  document.querySelector(`[name=tool][value=${name}]`).checked = true;
  line = [];
  $("hint").textContent = HINTS[name];
  $("migration").hidden = name !== "migrate";
  show();
}

const save = () => (saving = saving.then(saveChanges));

async function saveChanges() {
  if (!map || map.refused || (saved !== null && same(traps, saved))) return;
  const sent = traps.slice();
  state("saving …");
  try {
    const done = await ask(`${map.at}/traps`, "json", {
      method: "POST",
      headers: { "Content-Type": "application/octet-stream", "If-Match": map.version },
      body: sent,
      signal: AbortSignal.timeout(1000 * PATIENCE),
    });
    map.version = `"${done.version}"`;
    saved = sent;
    state(sent.some(Boolean) ? `saved as ${done.saved}` : `saved as ${done.saved}: a map without traps`);
    await list();
  } catch (error) {
    state(error.message, true);
    conflict = error.status === 409 ? error.version : null;
    $("conflict").hidden = !conflict;
  }
  buttons();
}

// Of traps that were saved elsewhere meanwhile: show them, and Undo brings the own ones back.
async function showSaved() {
  try {
    const { cells, version } = await savedTraps(map.at);
    past.push(traps);
    future = [];
    [traps, saved, map.version] = [cells, cells.slice(), version];
    state("the saved traps; Undo brings yours back");
    corrected();
    show();
    await list();
  } catch (error) {
    state(error.message, true);
  }
}

function replaceSaved() {
  map.version = conflict;
  save();
}

function fit() {
  const box = view.getBoundingClientRect();
  const [width, height] = sheet ? [sheet.width, sheet.height] : [map.columns, map.rows];
  const scale = 0.96 * Math.min(box.width / width, box.height / height);
  place = { scale, x: (box.width - scale * width) / 2, y: (box.height - scale * height) / 2 };
  show();
}

function cellAt(event) {
  const box = view.getBoundingClientRect();
  return [(event.clientX - box.left - place.x) / place.scale, (event.clientY - box.top - place.y) / place.scale];
}

function buttons() {
  $("undo").disabled = !past.length;
  $("redo").disabled = !future.length;
  $("save").disabled = !map || Boolean(map.refused) || (saved !== null && same(traps, saved));
  for (const id of ["all", "clear", "fit"]) $(id).disabled = !map || Boolean(sheet);
  $("fit").disabled = !map && !sheet;
}

function show() {
  buttons();
  requestAnimationFrame(paint);
}

function paint() {
  const box = view.getBoundingClientRect(), ratio = window.devicePixelRatio || 1;
  const size = [Math.round(box.width * ratio), Math.round(box.height * ratio)];
  if (view.width !== size[0] || view.height !== size[1]) [view.width, view.height] = size;
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, box.width, box.height);
  if (!sheet && (!map || !map.line)) return;
  pen.translate(place.x, place.y);
  pen.scale(place.scale, place.scale);
  if (sheet) { paintStep(); return; }
  pen.imageSmoothingEnabled = false;
  pen.drawImage(map.base, 0, 0);
  const layer = map.pictures[map.layer];
  if (layer) {
    pen.globalAlpha = Number($("opacity").value);
    pen.drawImage(layer, 0, 0);
    pen.globalAlpha = 1;
  }
  const stroke = (path, colour, width) => {
    pen.strokeStyle = colour;
    pen.lineWidth = width / place.scale;
    pen.stroke(path);
  };
  pen.lineCap = "round";
  if ($("outlines").checked) {
    stroke(map.predictedLine, "#000", 5);
    stroke(map.predictedLine, "#fff", 2.5);
  }
  if ($("fills").checked) {
    pen.drawImage(map.fill, 0, 0);
    stroke(map.line, "#fff", 5);
    stroke(map.line, "#c0108c", 2.5);
  }
  if (way && tool() === "migrate") {
    pen.fillStyle = "rgba(0, 104, 201, .25)";
    pen.fill(way.filled, "evenodd");
    stroke(way.filled, "#fff", 4);
    stroke(way.filled, "#0068c9", 2);
    for (const cells of way.paths ?? []) {
      const path = new Path2D();
      cells.forEach(([row, column], i) => (i ? path.lineTo(column + 0.5, row + 0.5) : path.moveTo(column + 0.5, row + 0.5)));
      stroke(path, "#fff", 5);
      stroke(path, "#0068c9", 2.5);
      dot(cells[0], "#fff");
      dot(cells[cells.length - 1], "#0068c9");
    }
    (way.points ?? []).forEach((cell, i) => dot(cell, "#ffd000", i + 1));
  }
  if (line.length) {
    const path = new Path2D();
    [...line, ...(cursor ? [cursor] : [])].forEach(([x, y], i) => (i ? path.lineTo(x, y) : path.moveTo(x, y)));
    stroke(path, "#fff", 4);
    stroke(path, tool() === "cut" ? "#c00" : "#c0108c", 2);
  }
}

// A dot on a cell, with a number or without.
function dot([row, column], colour, number) {
  const radius = (number ? 9 : 5) / place.scale;
  pen.beginPath();
  pen.arc(column + 0.5, row + 0.5, radius, 0, 2 * Math.PI);
  pen.fillStyle = colour;
  pen.fill();
  pen.strokeStyle = "#000";
  pen.lineWidth = 1.5 / place.scale;
  pen.stroke();
  if (!number) return;
  pen.fillStyle = "#000";
  pen.font = `bold ${12 / place.scale}px system-ui, sans-serif`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText(number, column + 0.5, row + 0.5);
}

view.onpointerdown = (event) => {
  if (!map && !sheet) return;
  view.focus();
  view.setPointerCapture(event.pointerId);
  const [x, y] = cellAt(event);
  if (event.button === 2 || event.button === 1 || space) held = { move: true, at: [event.clientX, event.clientY] };
  else if (event.button !== 0) return;
  else if (sheet) beginMark([x, y]);
  else if (tool() === "pick" || tool() === "migrate") {
    const [column, row] = [Math.floor(x), Math.floor(y)];
    if (row >= 0 && row < map.rows && column >= 0 && column < map.columns) {
      if (tool() === "pick") pick(row, column);
      else showWay(`migration/${row}/${column}`);
    }
  } else {
    held = { from: [event.clientX, event.clientY], dragged: false };
    line.push([x, y]);
  }
  event.preventDefault();
  show();
};

view.onpointermove = (event) => {
  if (!map && !sheet) return;
  cursor = cellAt(event);
  if (held && held.move) {
    place.x += event.clientX - held.at[0];
    place.y += event.clientY - held.at[1];
    held.at = [event.clientX, event.clientY];
  } else if (sheet) {
    moveMark(cursor);
  } else if (held) {
    held.dragged ||= Math.hypot(event.clientX - held.from[0], event.clientY - held.from[1]) > 5;
    if (held.dragged) line.push(cursor);
  }
  if (held || line.length) show();
};

view.onpointerup = () => {
  const lasso = held && held.dragged;
  held = null;
  if (sheet) endMark();
  if (lasso) close();
};
view.onpointercancel = () => { held = null; line = []; show(); };
view.ondblclick = () => { if (!sheet && line.length) { line.pop(); close(); } };
view.oncontextmenu = (event) => event.preventDefault();
view.addEventListener("wheel", (event) => {
  if (!map && !sheet) return;
  event.preventDefault();
  const [x, y] = cellAt(event), box = view.getBoundingClientRect();
  const scale = Math.min(60, Math.max(0.02, place.scale * Math.exp(-event.deltaY / 400)));
  place = { scale, x: event.clientX - box.left - x * scale, y: event.clientY - box.top - y * scale };
  show();
}, { passive: false });

document.onkeydown = (event) => {
  if (event.key === " " && event.target === view) { space = true; event.preventDefault(); }
  if (!map || sheet || event.target.matches("input[type=number], input[type=text], select")) return;
  const key = event.key.toLowerCase(), control = event.ctrlKey || event.metaKey;
  if (control && key === "z" && !event.shiftKey) step(past, future);
  else if (control && (key === "y" || key === "z")) step(future, past);
  else if (control && key === "s") { if (!event.repeat) save(); }
  else if (control) return;
  else if (key === "escape") { line = []; held = null; show(); return; }
  else if (key === "enter" && line.length) close();
  else if (key === "0") fit();
  else if (["1", "2", "3", "4"].includes(key)) take(["pick", "draw", "cut", "migrate"][key - 1]);
  else return;
  event.preventDefault();
};
document.onkeyup = (event) => { if (event.key === " ") space = false; };

for (const input of document.querySelectorAll("[name=tool]")) input.onchange = () => take(input.value);
$("undo").onclick = () => step(past, future);
$("redo").onclick = () => step(future, past);
$("all").onclick = () => edit(() => map.predicted.forEach((one, i) => { if (one) traps[i] = 1; }));
$("clear").onclick = () => edit(() => traps.fill(0));
$("charge").onclick = () => { if (map) showWay(`charge/${Math.max(1, Math.round(Number($("points").value)) || 1)}`); };
$("fit").onclick = fit;
$("save").onclick = save;
$("theirs").onclick = showSaved;
$("mine").onclick = replaceSaved;
$("threshold").oninput = () => { if (map) { predicted(); show(); } };
for (const id of ["opacity", "outlines", "fills"]) $(id).oninput = show;
window.onresize = () => { if (map || sheet) show(); };
window.onbeforeunload = (event) => { if (changed()) event.preventDefault(); };

take("pick");
// When picture.js has been read, too.
document.addEventListener("DOMContentLoaded", () => {
  list().then((maps) => { if (maps.length) open(maps[0]); }).catch((error) => say(error.message, true));
});
