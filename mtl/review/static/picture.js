"use strict";
// The step for pictures: the picture as it is on disk, and what a person says of it, which is kept as map.yaml.

let stepping = null;  // the picture whose step is open or on its way

// Show what is understood of a picture, and what is said of it; a second click changes nothing.
async function openStep(entry) {
  if (stepping === entry) return;
  stepping = entry;
  const at = `/maps/${encodeURIComponent(entry.name)}`, turn = opening;
  $("picture").hidden = false;
  try {
    const [facts, image] = await Promise.all([ask(`${at}/page`, "json"), picture(`${at}/page/picture`)]);
    if (turn !== opening) return;
    sheet = { ...facts, entry, at, image, drag: null, read: facts.frame, frame: facts.said.map_box, places: [] };
    const bar = facts.said.colour_bar;
    if (bar) sheet.places = [[bar[0], bar[1]], [bar[2], bar[3]]];
    [$("first").value, $("second").value] = bar ? [bar[4], bar[5]] : ["", ""];
    $("polarity").value = facts.said.high ?? "";
    $("depthunit").value = facts.said.depth_unit ?? "";
    $("panel").value = facts.said.panel ?? "";
    $("panels").replaceChildren(...facts.panels.map((panel, i) => {
      const option = document.createElement("option");
      option.value = String(i + 1);
      option.label = panel.title || `panel ${i + 1}`;
      return option;
    }));
    understood([...(facts.problem ? [[facts.problem, true]] : []), ...facts.lines.map((text) => [text, false])]);
    $("step").hidden = false;
    say("");
    $("hint").textContent = "Say what was not read of the picture; empty fields leave it to the reading. A click on the map's name goes back.";
    marks();
    fit();
  } catch (error) {
    if (stepping === entry) stepping = null;
    say(error.message, true);
  }
}

// Leave the step for another map, or for the same one after saving.
function leaveStep(entry) {
  sheet = stepping = null;
  $("step").hidden = true;
  $("picture").hidden = !entry.picture;
  $("picture").onclick = () => openStep(entry);
  $("hint").textContent = HINTS[tool()];
}

function understood(lines) {
  $("understood").replaceChildren(...lines.map(([text, bad]) => {
    const item = document.createElement("li");
    item.textContent = text;
    item.classList.toggle("bad", bad);
    return item;
  }));
}

const marking = () => document.querySelector("[name=mark]:checked").value;

function marks() {
  $("frame").textContent = sheet.frame ? `columns ${sheet.frame[0]} to ${sheet.frame[2]}, rows ${sheet.frame[1]} to ${sheet.frame[3]}` : "as read";
  $("places").textContent = sheet.places.length ? sheet.places.map(([x, y], i) => `${i + 1}: ${x}, ${y}`).join("; ") : "as read";
}

const clamp = ([x, y]) => [Math.min(sheet.width - 1, Math.max(0, Math.floor(x))), Math.min(sheet.height - 1, Math.max(0, Math.floor(y)))];

function beginMark(at) {
  if (marking() === "frame") {
    sheet.drag = clamp(at);
  } else {
    sheet.places = sheet.places.length === 1 ? [sheet.places[0], clamp(at)] : [clamp(at)];
    (sheet.places.length === 1 ? $("first") : $("second")).focus({ preventScroll: true });
  }
  marks();
}

function moveMark(at) {
  if (!sheet.drag) return;
  const [x, y] = clamp(at), [x0, y0] = sheet.drag;
  sheet.frame = [Math.min(x, x0), Math.min(y, y0), Math.max(x, x0) + 1, Math.max(y, y0) + 1];
  marks();
  show();
}

function endMark() {
  if (sheet.drag && sheet.frame && (sheet.frame[2] - sheet.frame[0] < 5 || sheet.frame[3] - sheet.frame[1] < 5)) sheet.frame = null;
  sheet.drag = null;
  marks();
  show();
}

function paintStep() {
  pen.drawImage(sheet.image, 0, 0);
  const box = ([left, top, right, bottom], colour, dash) => {
    for (const [style, width] of [["#fff", 5], [colour, 2.5]]) {
      pen.strokeStyle = style;
      pen.lineWidth = width / place.scale;
      pen.setLineDash(dash && style !== "#fff" ? [8 / place.scale, 5 / place.scale] : []);
      pen.strokeRect(left, top, right - left, bottom - top);
    }
    pen.setLineDash([]);
  };
  for (const panel of sheet.panels) if (sheet.panels.length > 1) box(panel.box, "#777", true);
  if (sheet.bar && !sheet.places.length) box(sheet.bar, "#18813b", true);
  if (sheet.frame) box(sheet.frame, "#c0108c", false);
  else if (sheet.read) box(sheet.read, "#c0108c", true);
  sheet.places.forEach(([x, y], i) => dot([y, x], "#ffd000", i + 1));
}

async function keep(said) {
  state("reading …");
  $("keep").disabled = true;
  try {
    const done = await ask(`${sheet.at}/page`, "json", {
      method: "POST",
      headers: { "Content-Type": "application/octet-stream" },
      body: new TextEncoder().encode(JSON.stringify(said)),
    });
    const entry = sheet.entry;
    sheet = null;
    await open(entry);
    state(`saved as ${done.saved}`);
  } catch (error) {
    state(error.message, true);
  }
  $("keep").disabled = false;
}

$("keep").onclick = () => {
  const bar = sheet.places.length ? [...sheet.places.flat(), $("first").valueAsNumber, $("second").valueAsNumber] : null;
  if (bar && (sheet.places.length < 2 || bar.slice(4).some(Number.isNaN))) {
    state("The colour bar needs two places and the number at each.", true);
    return;
  }
  keep({ map_box: sheet.frame, colour_bar: bar, high: $("polarity").value || null, panel: $("panel").value.trim() || null,
    depth_unit: $("depthunit").value || null });
};
$("forget").onclick = () => {
  sheet.frame = null;
  sheet.places = [];
  for (const id of ["first", "second", "polarity", "panel", "depthunit"]) $(id).value = "";
  marks();
  show();
};
