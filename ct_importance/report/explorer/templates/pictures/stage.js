// The slice and its maps side by side, in one view: zoom, place and crosshair are those of all.

const DIFFERENCE = "difference";
let scene = null; // of the present slice: slice, image, mask, outline, maps, limits, width, height
const drawn = new Map(); // by view: the key of what it shows, and that as canvases, bottom first
let pointed = null; // the pixel below the pointer

// ---- What each view shows.

/** Keep what a view shows, made anew only where its key differs. */
function setView(name, key, make) {
  const whole = `${state.slice} ${key}`;
  if (drawn.get(name)?.key !== whole) drawn.set(name, { key: whole, layers: make() });
}

const windowKey = () => `${state.level} ${state.width}`;
const basePicture = () => picture(scene.image, coloursBy(scene.image.pixels, windowTable(state)));

function setViews() {
  setView("slice", windowKey(), () => [basePicture()]);
  const under = drawn.get("slice").layers[0];
  const overlay = ["level", "width", "variant", "scale", "opacity", "top", "fade"].map((key) => state[key]).join(" ");
  for (const [name, map] of Object.entries(scene.maps)) {
    setView(name, overlay, () => [under, overlayOf(map, state.variant, scene.limits[name])]);
  }
  if (subtracted()) {
    setView(DIFFERENCE, `${overlay} ${state.estimator} ${subtracted()}`, () => [under, differenceOverlay()]);
  }
}

/** The colours of values as they lie over the slice: weak ones let more of it through, if wanted. */
function overlayColours(values, scale) {
  return scaleColours(values, scale).map((colour, place) => {
    const strength = state.fade ? Math.sqrt(Math.min(1, Math.abs(values[place]) / scale.limit)) : 1;
    return (colour & 0xffffff) + Math.round(2.55 * state.opacity * strength) * 2 ** 24;
  });
}

/** A map as it lies over the slice: the pixels of the largest size, as many as are asked for. */
function overlayOf(map, variant, limit) {
  const ofLevel = overlayColours(valuesOf(map.values, variant), colouring(variant, map.values, limit));
  const kept = state.top < 100 && maskedPixels(map, "absolute", "mif", state.top / 100);
  return picture(map, coloursBy(map.pixels, ofLevel,
    (colour, place) => (kept && !kept[place] ? 0 : colour)));
}

/** A function from a pixel to its importance as a share of the end of its map's colour scale. */
function relative(name) {
  const map = scene.maps[name];
  const values = valuesOf(map.values, state.variant).map((value) => value / scene.limits[name]);
  return (place) => values[map.pixels[place]];
}

/** A function from a pixel to the difference of both maps. */
function difference() {
  const [one, other] = [relative(state.estimator), relative(subtracted())];
  return (place) => one(place) - other(place);
}

function differenceOverlay() {
  const of = difference();
  const values = Float32Array.from(scene.image.pixels, (_, place) => of(place));
  const sizes = values.map(Math.abs).sort();
  const least = sizes[Math.floor((1 - state.top / 100) * (sizes.length - 1))];
  const colours = overlayColours(values, { signed: true, table: colourTables.diverging, limit: 1 });
  return picture(scene.image, colours.map(
    (colour, place) => (Math.abs(values[place]) < least ? 0 : colour)));
}

// ---- Tiles.

/** Names of the tiles, large ones first: the slice, the difference, and maps, the best first if wanted. */
function tileNames() {
  const chosen = new Set([...listOf("shown"), state.estimator]);
  const maps = arranged(names.filter((name) => chosen.has(name)));
  const tiles = ["slice", ...(subtracted() ? [DIFFERENCE] : []), ...maps];
  const large = new Set(listOf("large"));
  return [...tiles.filter((name) => large.has(name)), ...tiles.filter((name) => !large.has(name))];
}

function tileTitle(name) {
  if (name === "slice") return "CT slice";
  return name === DIFFERENCE ? `${titles[state.estimator]} − ${titles[subtracted()]}` : titles[name];
}

function makeTile(name) {
  const tile = element("figure", { className: "tile" });
  tile.dataset.name = name;
  const canvas = element("canvas", { className: "view" });
  canvas.dataset.view = name;
  canvas.setAttribute("role", "img");
  const caption = element("figcaption");
  const isMap = scene.maps[name];
  const title = isMap ? element("button", { type: "button", className: "title" })
    : element("span", { className: "title" });
  if (isMap) title.addEventListener("click", () => update({ estimator: name }));
  const enlarge = element("button", { type: "button", className: "enlarge" });
  enlarge.append(element("span", { ariaHidden: "true" }, "⤢"));
  enlarge.addEventListener("click", () => update(toggled("large", name, LISTS.large)));
  caption.append(title, enlarge, element("span", { className: "score" }), element("span", { className: "here" }));
  tile.append(canvas, caption);
  return tile;
}

function showTiles(slice) {
  const wanted = tileNames();
  const stage = byId("stage");
  const tiles = new Map([...stage.children].map((tile) => [tile.dataset.name, tile]));
  const ordered = wanted.map((name) => tiles.get(name) ?? makeTile(name));
  if (ordered.some((tile, i) => stage.children[i] !== tile) || stage.children.length !== ordered.length) {
    const focused = document.activeElement;
    stage.replaceChildren(...ordered);
    if (stage.contains(focused)) focused.focus();
  }
  for (const tile of ordered) showTile(tile, tile.dataset.name, slice);
}

function showTile(tile, name, slice) {
  const [title, enlarge, score] = tile.querySelector("figcaption").children;
  const isLarge = listOf("large").includes(name);
  const isMap = Boolean(scene.maps[name]);
  title.textContent = tileTitle(name);
  tile.classList.toggle("large", isLarge);
  tile.classList.toggle("chosen", name === state.estimator);
  if (isMap) title.setAttribute("aria-pressed", name === state.estimator);
  enlarge.setAttribute("aria-pressed", isLarge);
  enlarge.setAttribute("aria-label", `Enlarge ${tileTitle(name)}`);
  const value = isMap && METRICS.length && scoreOf(slice, state.metric, name, state.variant);
  score.textContent = isMap && METRICS.length ? `${metricOf[state.metric].title} ${scoreText(state.metric, value)}`
    : name === DIFFERENCE ? "shares of the ends of their scales" : positionText(slice);
  describe(tile.querySelector("canvas"), tileText(name, slice));
}

function tileText(name, slice) {
  const outlined = scene.mask && state.outline ? ", the mask outlined" : "";
  if (name === "slice") return `CT slice of patient ${slice.patient_id}, ${CLASSES[slice.label]}${outlined}`;
  if (name === DIFFERENCE) return `${tileTitle(name)}: difference of their ${state.variant} importance${outlined}`;
  const known = METRICS.filter((metric) => scoreOf(slice, metric, name, state.variant) !== undefined)
    .map((metric) => `${metricOf[metric].title} ${scoreText(metric, scoreOf(slice, metric, name, state.variant))}`);
  return `${titles[name]}, ${state.variant} importance map${outlined}. ${known.join(", ")}`;
}

// ---- Drawing.

/** Left and upper edge of what is seen, in pixels of the slice. */
function corner() {
  return [[state.x, scene.width], [state.y, scene.height]].map(([centre, side]) =>
    Math.min(side - side / state.zoom, Math.max(0, centre * side - side / state.zoom / 2)));
}

function drawView(canvas) {
  const shown = drawn.get(canvas.dataset.view);
  if (!scene || !shown || !canvas.clientWidth) return;
  const width = Math.max(1, Math.round(canvas.clientWidth * (devicePixelRatio || 1)));
  const height = Math.round(width * scene.height / scene.width);
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  const scale = width / scene.width * state.zoom;
  const [left, top] = corner();
  context.setTransform(scale, 0, 0, scale, -left * scale, -top * scale);
  context.imageSmoothingEnabled = scale < 1;
  context.clearRect(0, 0, scene.width, scene.height);
  for (const layer of shown.layers) context.drawImage(layer, 0, 0, scene.width, scene.height);
  if (scene.outline && state.outline) stroke(context, scene.outline, scale, OUTLINE);
  const cross = crossed();
  if (cross) stroke(context, crossPath(cross), scale, "#ffee58");
}

function stroke(context, path, scale, colour) {
  for (const [style, width] of [["#000000", 3.5], [colour, 1.5]]) {
    context.strokeStyle = style;
    context.lineWidth = width / scale * (devicePixelRatio || 1);
    context.stroke(path);
  }
}

/** Four lines that end around the pixel, which stays free. */
function crossPath([column, row]) {
  const path = new Path2D();
  const gap = Math.max(1.5, scene.width / state.zoom / 30);
  const [x, y] = [column + 0.5, row + 0.5];
  for (const [fromX, fromY, toX, toY] of [
    [0, y, x - gap, y], [x + gap, y, scene.width, y], [x, 0, x, y - gap], [x, y + gap, x, scene.height],
  ]) {
    path.moveTo(fromX, fromY);
    path.lineTo(toX, toY);
  }
  return path;
}

const crossed = () => pointed ?? (state.cross ? state.cross.split(",").map(Number) : null);

let isDrawing = false;

/** Draw all views once, at the next frame. */
function drawViews() {
  if (isDrawing) return;
  isDrawing = true;
  requestAnimationFrame(() => {
    isDrawing = false;
    drawNow();
  });
}

function drawNow() {
  for (const canvas of all("canvas.view")) drawView(canvas);
  if (scene) showReadings();
}

// ---- What is below the pointer.

function showReadings() {
  const cross = crossed();
  const inside = cross && cross[0] < scene.width && cross[1] < scene.height;
  const place = inside ? cross[1] * scene.width + cross[0] : -1;
  for (const tile of byId("stage").children) {
    tile.querySelector(".here").textContent = inside ? readingOfTile(tile.dataset.name, place) : "";
  }
  byId("readout").textContent = inside ? readingText(cross, place)
    : "Point at a slice for Hounsfield units and importance; click to keep the crosshair.";
}

function readingOfTile(name, place) {
  const map = scene.maps[name];
  if (map) return shortNumber(valuesOf(map.values, state.variant)[map.pixels[place]]);
  return name === "slice" ? huText(place) : "";
}

/** HU of a pixel; beyond the window nothing was kept. */
function huText(place) {
  const grey = scene.image.pixels[place];
  const end = grey === 0 ? "≤ " : grey === index.greys - 1 ? "≥ " : index.lossy ? "≈ " : "";
  return `${end}${signedNumber(hounsfieldOf(grey), 0)} HU`;
}

function readingText([column, row], place) {
  const map = scene.maps[state.estimator];
  const parts = [
    `column ${column + 1}, row ${row + 1}`, huText(place),
    scene.mask && (scene.mask.pixels[place] > 127 ? "in the mask" : "outside the mask"),
    map && `${titles[state.estimator]} ${readingOfTile(state.estimator, place)}`,
    subtracted() && `difference ${signedNumber(difference()(place), 2)}`,
  ];
  return parts.filter(Boolean).join(" · ");
}

// ---- Moving about.

/** Change how it is looked at, which needs no other pictures. */
function look(changes) {
  Object.assign(state, changes);
  writeAddressSoon();
  showZoom();
  drawViews();
}

function showZoom() {
  document.documentElement.classList.toggle("zoomed", state.zoom > 1);
  byId("zoom-text").textContent = `${Number(state.zoom.toFixed(1))} ×`;
}

const lookAtAll = () => look({ zoom: 1, x: 0.5, y: 0.5, cross: "" });

/** Zoom by a factor; the point of the slice given, in shares of its sides, stays where it is. */
function zoomBy(factor, at = [state.x, state.y]) {
  const zoom = Math.min(ZOOMS[1], Math.max(ZOOMS[0], state.zoom * factor));
  const moved = [state.x, state.y].map((centre, i) => at[i] + (centre - at[i]) * state.zoom / zoom);
  look({ zoom, ...inView(moved, zoom) });
}

function inView([x, y], zoom = state.zoom) {
  const half = 0.5 / zoom;
  const kept = (centre) => Math.min(1 - half, Math.max(half, centre));
  return { x: kept(x), y: kept(y) };
}

function moveCross(across, down) {
  const [column, row] = crossed() ?? [Math.floor(scene.width / 2), Math.floor(scene.height / 2)];
  const moved = [Math.min(scene.width - 1, Math.max(0, column + across)),
    Math.min(scene.height - 1, Math.max(0, row + down))];
  pointed = null;
  const half = 0.5 / state.zoom;
  const follow = (at, centre) => (Math.abs(at - centre) > 0.9 * half ? at : centre);
  const [x, y] = [(moved[0] + 0.5) / scene.width, (moved[1] + 0.5) / scene.height];
  look({ cross: moved.join(), ...inView([follow(x, state.x), follow(y, state.y)]) });
}
