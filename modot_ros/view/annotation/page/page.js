// SPDX-License-Identifier: Apache-2.0
// The annotation page: what is drawn on the canvas is kept as lines of picture pixels, [u, v] right and down, the middle of
// the first pixel being [0, 0]. Strokes that were not applied yet survive a reload in localStorage.
"use strict";

const COLOURS = {missing: "rgba(40, 210, 90, 0.5)", false: "rgba(240, 60, 60, 0.5)"};
const MOST_POINTS = 1500;               // of one stroke; a longer one is parted
const IDLE_S = 30;                      // without a key or a move this long no time is counted

const element = id => document.getElementById(id);
const canvas = element("canvas"), pen = canvas.getContext("2d");
let listing = [], sheet = null, picture = null, boundary = null;
let drawn = [];                         // strokes that were not applied yet
let line = null;                        // the stroke that is being drawn
let cross = null;                       // where the keyboard's brush is
let busy = false, seconds = 0, lastActive = 0, ticket = 0;

async function call(path, content) {
  const options = content === undefined ? {} :
    {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(content)};
  const response = await fetch(path, options);
  if (!response.ok) {
    const detail = await response.json().then(body => body.detail, () => response.statusText);
    throw Object.assign(new Error(typeof detail === "string" ? detail : JSON.stringify(detail)), {status: response.status});
  }
  return response;
}

const load = async path => createImageBitmap(await (await call(path)).blob());

function say(text, bad = false) {
  element("status").textContent = text;
  element("status").className = bad ? "bad" : "";
}

// ---- which picture

const key = () => `modot annotate ${listing.folder}/${sheet.name}`;

function keepDrawn() {
  if (!sheet) return;
  if (drawn.length) localStorage.setItem(key(), JSON.stringify({revision: sheet.revision, drawn}));
  else localStorage.removeItem(key());
}

function restoreDrawn() {
  try {
    const kept = JSON.parse(localStorage.getItem(key()));
    return kept && kept.revision === sheet.revision ? kept.drawn : [];
  } catch { return []; }
}

async function list() {
  const found = await (await call("/api/pictures")).json();
  listing = Object.assign(found.pictures, found);
  const done = listing.filter(one => one.done).length;
  element("progress").max = listing.length;
  element("progress").value = done;
  element("done").textContent = `${done} of ${listing.length} done`;
}

async function open(number) {
  if (busy || number < 0 || number >= listing.length) return;
  const mine = ++ticket;
  line = cross = null;
  location.hash = `#${number + 1}`;
  element("place").textContent = `${number + 1} / ${listing.length}  ${listing[number].name}`;
  element("place").title = listing[number].name;
  sheet = picture = boundary = null;
  drawn = [];
  seconds = 0;
  say("looking at the picture ...");
  refresh();
  try {
    const found = await (await call(`/api/pictures/${number}`)).json();
    const image = await load(`/api/pictures/${number}/image`);
    if (mine !== ticket) return;        // the person has gone on meanwhile
    picture = image;
    await show(found);
    say(sheet.message || (drawn.length ? `${drawn.length} strokes from before, not applied yet` : ""), Boolean(sheet.message));
  } catch (error) {
    if (mine !== ticket) return;
    sheet = {number, name: listing[number].name, unusable: true, strokes: [], seconds: 0, undoable: 0};
    say(error.message, true);
  }
  refresh();
}

async function show(found) {
  sheet = found;
  drawn = restoreDrawn();
  element("threshold").value = Math.round(100 * sheet.threshold);
  canvas.width = sheet.width;
  canvas.height = sheet.height;
  fit();
  await reloadBoundary();
}

async function reloadBoundary() {
  if (!sheet || sheet.unusable) return;
  const mine = ticket, asked = `/api/pictures/${sheet.number}/boundary?threshold=${element("threshold").value / 100}`;
  reloadBoundary.asked = asked;
  const found = await load(asked);
  if (mine === ticket && reloadBoundary.asked === asked) boundary = found;
  refresh();
}

// ---- what is seen

function fit() {
  if (!sheet || sheet.unusable) return;
  const room = element("stage").getBoundingClientRect();
  const scale = Math.max(0.05, Math.min((room.width - 16) / sheet.width, (room.height - 16) / sheet.height));
  canvas.style.width = `${Math.floor(sheet.width * scale)}px`;
  canvas.style.height = `${Math.floor(sheet.height * scale)}px`;
}

function trace(stroke) {
  pen.strokeStyle = COLOURS[stroke.kind];
  pen.lineWidth = 2 * stroke.radius_px + 1;
  pen.lineCap = pen.lineJoin = "round";
  pen.beginPath();
  stroke.points.forEach(([u, v], k) => k ? pen.lineTo(u + 0.5, v + 0.5) : pen.moveTo(u + 0.5, v + 0.5));
  if (stroke.points.length === 1) pen.lineTo(stroke.points[0][0] + 0.51, stroke.points[0][1] + 0.5);
  pen.stroke();
}

function refresh() {
  element("radius-shown").textContent = element("radius").value;
  element("opacity-shown").textContent = element("opacity").value;
  element("threshold-shown").textContent = (element("threshold").value / 100).toFixed(2);
  const usable = sheet && !sheet.unusable && picture;
  canvas.style.visibility = usable ? "visible" : "hidden";
  element("apply").disabled = !usable || busy;
  element("undo").disabled = !usable || busy || !(drawn.length || sheet.undoable);
  element("back").disabled = busy || !sheet || sheet.number === 0;
  element("next").disabled = busy || !sheet || sheet.number === listing.length - 1;
  if (!usable) return;
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(picture, 0, 0);
  if (boundary) {
    pen.globalAlpha = element("opacity").value / 100;
    pen.imageSmoothingEnabled = false;
    pen.drawImage(boundary, 0, 0);
    pen.globalAlpha = 1;
  }
  if (element("strokes-shown").checked) {
    pen.globalAlpha = 0.4;              // what was applied is fainter
    sheet.strokes.forEach(trace);
    pen.globalAlpha = 1;
  }
  drawn.forEach(trace);
  if (line) trace(line);
  if (cross) {
    const [u, v] = cross, reach = Math.max(6, canvas.width / 80);
    pen.strokeStyle = "#fff";
    pen.lineWidth = Math.max(1, canvas.width / 640);
    pen.beginPath();
    pen.moveTo(u + 0.5 - reach, v + 0.5); pen.lineTo(u + 0.5 + reach, v + 0.5);
    pen.moveTo(u + 0.5, v + 0.5 - reach); pen.lineTo(u + 0.5, v + 0.5 + reach);
    pen.stroke();
  }
}

function showTime() {
  const all = Math.round(seconds + (sheet ? sheet.seconds : 0));
  element("time").textContent = `${Math.floor(all / 60)}:${String(all % 60).padStart(2, "0")}`;
}

// ---- drawing

const chosen = () => document.querySelector("input[name=kind]:checked").value;
const other = kind => kind === "missing" ? "false" : "missing";

function at(event) {
  const box = canvas.getBoundingClientRect();
  return inside((event.clientX - box.left) / box.width * canvas.width - 0.5,
                (event.clientY - box.top) / box.height * canvas.height - 0.5);
}

function inside(u, v) {
  return [Math.min(Math.max(u, 0), canvas.width - 1), Math.min(Math.max(v, 0), canvas.height - 1)]
    .map(x => Math.round(10 * x) / 10);
}

function begin(point, kind) {
  if (!sheet || sheet.unusable || busy || !picture) return;
  line = {kind, radius_px: Number(element("radius").value), points: [point]};
  refresh();
}

function extend(point) {
  const [u, v] = line.points[line.points.length - 1];
  if (Math.hypot(point[0] - u, point[1] - v) < 1) return;
  line.points.push(point);
  if (line.points.length >= MOST_POINTS) {
    drawn.push(line);
    line = {...line, points: [point]};
  }
}

function end() {
  if (!line) return;
  const points = line.points, [u, v] = points[0];
  if (points.length === 1) points.push([u + 1 <= canvas.width - 1 ? u + 1 : u - 1, v]);     // a dab: a line has a length
  drawn.push(line);
  line = null;
  keepDrawn();
  say(`${drawn.length} stroke${drawn.length > 1 ? "s" : ""}, not applied yet`);
  refresh();
}

canvas.addEventListener("pointerdown", event => {
  if (event.button !== 0 && event.button !== 2 || line) return;
  canvas.focus();
  canvas.setPointerCapture(event.pointerId);
  cross = null;
  begin(at(event), event.button === 2 ? other(chosen()) : chosen());
});
canvas.addEventListener("pointermove", event => {
  if (!line || !canvas.hasPointerCapture(event.pointerId)) return;
  const moves = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
  (moves.length ? moves : [event]).forEach(move => extend(at(move)));
  refresh();
});
canvas.addEventListener("pointerup", event => canvas.hasPointerCapture(event.pointerId) && end());
canvas.addEventListener("pointercancel", () => { line = null; refresh(); });
canvas.addEventListener("contextmenu", event => event.preventDefault());

// ---- apply and undo

async function change(path, content, doing) {
  if (busy || !sheet || sheet.unusable || !picture) return;
  busy = true;
  say(doing);
  refresh();
  const started = performance.now();
  try {
    const found = await (await call(`/api/pictures/${sheet.number}/${path}`, content)).json();
    drawn = [];
    keepDrawn();
    seconds = 0;
    await show(found);
    await list();
    const took = ((performance.now() - started) / 1000).toFixed(1);
    say(sheet.message || `saved, ${took} s`, Boolean(sheet.message));
  } catch (error) {
    if (error.status === 409) say(`${error.message}. Reload this page; your strokes are kept until then.`, true);
    else say(error.status ? error.message : "modot annotate does not answer: is it still running? Nothing is lost, try again.",
             true);
  }
  busy = false;
  refresh();
}

function apply() {
  if (line) end();
  change("apply", {width: canvas.width, height: canvas.height, strokes: drawn, threshold: element("threshold").value / 100,
                   seconds: Math.round(10 * seconds) / 10, revision: sheet && sheet.revision}, "applying ...");
}

function undo() {
  if (busy || !sheet) return;
  if (line) line = null;
  else if (drawn.length) {
    drawn.pop();
    keepDrawn();
    say(drawn.length ? `${drawn.length} not applied yet` : "");
  } else if (sheet.undoable) return change("undo", {revision: sheet.revision}, "taking back ...");
  refresh();
}

element("apply").addEventListener("click", apply);
element("undo").addEventListener("click", undo);
element("next").addEventListener("click", () => sheet && open(sheet.number + 1));
element("back").addEventListener("click", () => sheet && open(sheet.number - 1));
for (const id of ["radius", "opacity"]) element(id).addEventListener("input", refresh);
element("strokes-shown").addEventListener("change", refresh);
element("threshold").addEventListener("input", () => {
  refresh();
  clearTimeout(reloadBoundary.timer);
  reloadBoundary.timer = setTimeout(() => reloadBoundary().catch(error => say(error.message, true)), 120);
});

const STEPS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};

function move(step, far) {
  const [u, v] = cross || [canvas.width / 2, canvas.height / 2];
  cross = inside(u + step[0] * far, v + step[1] * far);
  if (line) extend(cross);
  refresh();
}

const nudge = (id, by) => {
  element(id).value = Number(element(id).value) + by;
  refresh();
};

const ACTIONS = {
  n: () => sheet && open(sheet.number + 1), pagedown: () => sheet && open(sheet.number + 1),
  p: () => sheet && open(sheet.number - 1), pageup: () => sheet && open(sheet.number - 1),
  1: () => document.querySelector("input[value=missing]").checked = true,
  2: () => document.querySelector("input[value=false]").checked = true,
  x: () => document.querySelector(`input[value=${other(chosen())}]`).checked = true,
  "[": () => nudge("radius", -1), "]": () => nudge("radius", 1), z: undo, enter: apply,
  s: () => { element("strokes-shown").click(); },
  d: () => {
    if (line) return end();
    cross = cross || inside(canvas.width / 2, canvas.height / 2);
    begin(cross, chosen());
  },
  escape: () => { line = cross = null; refresh(); },
};

addEventListener("keydown", event => {
  const typed = event.key.toLowerCase();
  if (event.altKey || event.metaKey || event.ctrlKey && typed !== "z") return;
  const inSlider = event.target.type === "range";
  if (event.key in STEPS && !inSlider) move(STEPS[event.key], event.shiftKey ? 10 : 1);
  else if (typed in ACTIONS && !(inSlider && typed.startsWith("page")) && !(typed === "enter" && event.target.tagName === "BUTTON"))
    ACTIONS[typed]();
  else return;
  event.preventDefault();
});
for (const kind of ["pointermove", "keydown", "pointerdown"]) addEventListener(kind, () => lastActive = performance.now());
setInterval(() => {
  if (sheet && !document.hidden && performance.now() - lastActive < 1000 * IDLE_S) seconds += 1;
  showTime();
}, 1000);
addEventListener("resize", fit);

list().then(() => {
  element("radius").value = listing.radius_px;
  const asked = parseInt(location.hash.slice(1), 10) - 1;
  const first = listing.findIndex(one => !one.done);
  open(asked >= 0 && asked < listing.length ? asked : Math.max(first, 0));
}).catch(error => say(error.message, true));
