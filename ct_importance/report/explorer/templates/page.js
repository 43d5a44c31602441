// State, controls and what is shown.

const byId = (name) => document.getElementById(name);
const all = (selector) => [...document.querySelectorAll(selector)];
const index = JSON.parse(byId("index").textContent);
const colourTables = Object.fromEntries(
  Object.entries(index.colours).map(([name, table]) => [name, bytesOf(table)]));
const VARIANTS = ["original", "absolute"];
const CLASSES = index.classes;
const LAST = CLASSES.at(-1); // of two classes, the one that the logit argues for
const OF_TWO = CLASSES.length === 2;
const GREY_NAMES = new Map([[GREYS[0], "black"], [GREYS[255], "white"]]);
const SCORES = {
  auc: { long: "AUC", decimals: 2, given: index.has_auc },
  dsc: { long: "highest DSC", decimals: 2, given: Boolean(index.percentages) },
  fidelity: { long: "fidelity F × 10", decimals: 1, given: Boolean(index.fractions) },
};
const COLUMNS = [
  { title: "AUC", score: "auc", text: (scores) => fixed(scores.auc, 2) },
  { title: "max DSC", score: "dsc", text: (scores) => fixed(scores.dsc, 2) },
  {
    title: "at", score: "dsc",
    text: ({ dsc_percentage: at }) => (at === undefined ? "–" : `${at} %`),
  },
  { title: "F × 10", score: "fidelity", text: (scores) => fixed(scores.fidelity, 1) },
].filter(({ score }) => SCORES[score].given);
const GIVEN_SCORES = Object.keys(SCORES).filter((name) => SCORES[name].given);
const names = index.estimators.map((estimator) => estimator.name);
const titles = Object.fromEntries(index.estimators.map(({ name, title }) => [name, title]));
const nearest = (values, wanted) => values.reduce(
  (best, value, i) => (Math.abs(value - wanted) < Math.abs(values[best] - wanted) ? i : best), 0);

const DEFAULTS = {
  slice: index.slices[0].slice_id, estimator: names[0], variant: "original", scale: "map",
  outline: true, heat: false, order: "mif", label: "", patient: "", answer: "", sort: "",
  percentage: index.percentages ? nearest(index.percentages, 5) : 0,
  fraction: index.fractions ? nearest(index.fractions, 0.1) : 0,
};
let state = { ...DEFAULTS };
let listed = []; // places in index.slices, in the order shown

// ---- The address holds the state; sliders as the value they stand for.

function stateOfAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  const read = { ...DEFAULTS };
  const choices = {
    slice: index.slices.map((slice) => slice.slice_id), estimator: names, variant: VARIANTS,
    order: ["mif", "lif"], scale: ["map", "estimator"], label: Object.keys(CLASSES),
    patient: index.slices.map((slice) => slice.patient_id), answer: ["correct", "wrong"],
    sort: GIVEN_SCORES.flatMap((name) => [`${name}-best`, `${name}-worst`]),
  };
  for (const [key, allowed] of Object.entries(choices)) {
    if (allowed.includes(given.get(key))) read[key] = given.get(key);
  }
  for (const key of ["outline", "heat"]) if (given.has(key)) read[key] = given.get(key) === "1";
  for (const [key, values] of [["percentage", index.percentages], ["fraction", index.fractions]]) {
    const wanted = parseFloat(given.get(key));
    if (values && Number.isFinite(wanted)) read[key] = nearest(values, wanted);
  }
  return read;
}

function writeAddress() {
  const shown = new URLSearchParams();
  for (const [key, value] of Object.entries(state)) {
    if (value === DEFAULTS[key] && key !== "slice") continue;
    const values = { percentage: index.percentages, fraction: index.fractions }[key];
    shown.set(key, values ? values[value] : typeof value === "boolean" ? Number(value) : value);
  }
  if (location.hash.slice(1) !== shown.toString()) history.replaceState(null, "", `#${shown}`);
}

// ---- Which slices are listed, and in which order.

const scoreOf = (slice, name, estimator = state.estimator) =>
  slice.scores[estimator]?.[state.variant]?.[name];

function listSlices() {
  const fits = (slice) => (state.label === "" || String(slice.label) === state.label)
    && (state.patient === "" || slice.patient_id === state.patient)
    && (state.answer === "" || slice.correct === (state.answer === "correct"));
  listed = [...index.slices.keys()].filter((place) => fits(index.slices[place]));
  if (!state.sort) return;
  const [name, end] = state.sort.split("-");
  const score = (place) => scoreOf(index.slices[place], name);
  const direction = end === "best" ? -1 : 1;
  // Slices without this score come last either way.
  listed.sort((a, b) => (score(a) === undefined) - (score(b) === undefined)
    || direction * (score(a) - score(b)) || a - b);
}

const current = () => index.slices.findIndex((slice) => slice.slice_id === state.slice);

function update(changes) {
  Object.assign(state, changes);
  listSlices();
  if (listed.length && !listed.includes(current())) {
    state.slice = index.slices[listed[0]].slice_id;
  }
  show();
}

const cycle = (values, value, by) => values[(values.indexOf(value) + by + values.length) % values.length];

function step(by) {
  const place = Math.min(listed.length - 1, Math.max(0, listed.indexOf(current()) + by));
  if (listed.length) update({ slice: index.slices[listed[place]].slice_id });
}

function slide(key, by) {
  const values = { percentage: index.percentages, fraction: index.fractions }[key];
  if (values) update({ [key]: Math.min(values.length - 1, Math.max(0, state[key] + by)) });
}

// ---- Contents and decoded images of the slices looked at last.

const KEPT = 400;
const decoded = new Map();

function remembered(key, make) {
  const found = decoded.get(key) ?? make();
  decoded.delete(key);
  decoded.set(key, found);
  if (decoded.size > KEPT) decoded.delete(decoded.keys().next().value);
  return found;
}

/** The data of an element below this script, once the browser has read to its end. */
async function dataOf(name) {
  const isWhole = () => byId(name)?.nextElementSibling || document.readyState !== "loading";
  while (!isWhole()) await new Promise((resolve) => { setTimeout(resolve, 10); });
  return JSON.parse(byId(name).textContent);
}

const contentOf = (place) => remembered(`${place}`, () => dataOf(`slice-${place}`));
const commonLimits = () => remembered("limits", () => dataOf("limits"));
const pictureOf = (place, kind, content) => remembered(
  `${place} ${kind}`, () => decodeImage(content[kind]));
const mapOf = (place, estimator, content) => remembered(
  `${place} map ${estimator}`, () => decodeLevels(content.maps[estimator]));

function regionsOf(place, estimator, variant, content) {
  const packed = content.regions[estimator];
  // A map without negative values has the same regions in both variants.
  const kept = packed[variant] ? variant : "original";
  return remembered(`${place} regions ${estimator} ${kept}`, () => decodeLevels(packed[kept]));
}

// ---- Texts.

const fixed = (value, decimals) => (value === undefined ? "–" : signedNumber(value, decimals));
const probability = (logit) => 1 / (1 + Math.exp(-logit));
const verdict = (isRight) => (isRight ? "correct" : "wrong");
// Of more than two classes, a curve holds margins: above 0, the slice's own class has the highest score.
const isRight = (value, label) => (value > 0) === (OF_TWO ? Boolean(label) : true);
const logitText = (logit, label) => `${CLASSES[Number(logit > 0)]} (probability of ${LAST} `
  + `${probability(logit).toFixed(3)}, logit ${signedNumber(logit, 2)}): ${verdict(isRight(logit, label))}`;
const marginText = (margin, label) => `${margin > 0 ? "" : "not "}${CLASSES[label]} `
  + `(margin ${signedNumber(margin, 2)}): ${verdict(margin > 0)}`;
const maskedText = OF_TWO ? logitText : marginText;
const answerText = (slice) => (OF_TWO ? logitText(slice.logit, slice.label)
  : `${CLASSES[slice.answer]} (probability ${slice.probability.toFixed(3)}): ${verdict(slice.correct)}`);
const percentText = (value) => `${Number(value.toFixed(value < 1 ? 2 : 1))} %`;
const tail = (text) => (text.length > 14 ? `…${text.slice(-10)}` : text);

function showText(holder, text, isWrong = false) {
  holder.textContent = text;
  holder.classList.toggle("wrong", isWrong);
}

function showFacts(slice) {
  const entries = [
    ["Patient", slice.patient_id], ["Label", CLASSES[slice.label]],
    ["Classifier's answer", answerText(slice)],
    ["Patient is used for", slice.split === "test" ? "testing" : "training"],
    ["Slice", slice.slice_id],
  ];
  byId("facts").replaceChildren(...entries.map(([term, text]) => {
    const pair = element("div");
    const isWrong = term === "Classifier's answer" && !slice.correct;
    pair.append(element("dt", {}, term), element("dd", { className: isWrong ? "wrong" : "" }, text));
    return pair;
  }));
}

function announce(slice) {
  const scores = GIVEN_SCORES.map((name) =>
    `${SCORES[name].long} ${fixed(scoreOf(slice, name), SCORES[name].decimals)}`);
  const text = [
    `Slice ${listed.indexOf(current()) + 1} of ${listed.length}, patient ${slice.patient_id}, `
      + `${CLASSES[slice.label]}, answer ${verdict(slice.correct)}`,
    [`${titles[state.estimator]}, ${state.variant}`, ...scores].join(", "),
  ].join(". ");
  if (byId("live").textContent !== text) byId("live").textContent = text;
}

// ---- Pictures.

const canvasOf = (panel) => byId(panel).querySelector("canvas");
const readingOf = (panel) => byId(panel).querySelector(".reading");

/** Show a panel, or that this slice lacks what it shows: panels stay where they are. */
function present(panel, isThere) {
  byId(panel).classList.toggle("absent", !isThere);
  return Boolean(isThere);
}

function describe(canvas, text) {
  canvas.setAttribute("aria-label", text);
}

const meanOf = (picture) =>
  picture.pixels.reduce((sum, grey) => sum + grey, 0) / picture.pixels.length;

const drawGrey = (canvas, picture, choose) =>
  drawColours(canvas, picture, coloursBy(picture.pixels, GREYS, choose));

function showSlice(slice, image, mask) {
  const canvas = canvasOf("slice-panel");
  drawGrey(canvas, image);
  if (mask && state.outline) drawOutline(canvas, mask);
  describe(canvas, `CT slice of patient ${slice.patient_id}, ${CLASSES[slice.label]}`
    + (mask && state.outline ? ", the mask outlined" : ""));
  if (!present("mask-panel", mask)) return;
  drawGrey(canvasOf("mask-panel"), mask);
  const share = mask.pixels.filter((value) => value > 127).length / mask.pixels.length;
  describe(canvasOf("mask-panel"), `Mask, ${percentText(100 * share)} of the slice`);
  showText(readingOf("mask-panel"), `${percentText(100 * share)} of the slice`);
}

/** How a variant of a map is coloured: table, end of the scale, whether of two signs. */
function colouring(variant, values, limit) {
  const signed = variant === "original" && values[0] < 0;
  return { signed, table: colourTables[signed ? "diverging" : "sequential"], limit };
}

function drawMap(canvas, map, variant, scale, large) {
  const ofLevel = scaleColours(valuesOf(map.values, variant), scale);
  drawColours(canvas, map, coloursBy(map.pixels, ofLevel), large);
}

function showMaps(slice, map, mask, limits) {
  for (const variant of VARIANTS) {
    const panel = byId(`${variant}-panel`);
    const canvas = panel.querySelector("canvas");
    const scale = colouring(variant, map.values, limits[state.estimator]);
    drawMap(canvas, map, variant, scale);
    if (mask && state.outline) drawOutline(canvas, mask);
    const score = scoreOfVariant(slice, variant);
    describe(canvas, `${titles[state.estimator]}, ${variant} importance map. ${score}`);
    const same = map.values[0] >= 0 ? "no negative values: both variants are the same" : "";
    const note = variant === "original" && !same ? "less … more important" : same || "size, without sign";
    drawScale(panel.querySelector(".scale"), scale, note);
  }
}

function scoreOfVariant(slice, variant) {
  const scores = slice.scores[state.estimator]?.[variant] ?? {};
  return GIVEN_SCORES.filter((name) => scores[name] !== undefined)
    .map((name) => `${SCORES[name].long} ${fixed(scores[name], SCORES[name].decimals)}`).join(", ");
}

async function showRegions(place, content, image, mask, isCurrent) {
  const curves = content.curves[state.estimator]?.[state.variant];
  const shown = Boolean(curves?.dsc && content.regions[state.estimator]);
  if (!present("regions-panel", shown)) return;
  const regions = await regionsOf(place, state.estimator, state.variant, content);
  if (!isCurrent()) return;
  const percentage = index.percentages[state.percentage];
  const { first, share } = shownRegions(regions, percentage);
  // Means of regions are smaller than the pixels' extremes: they have a scale of their own.
  const limit = Math.max(...regions.values.map(Math.abs)) || 1;
  const scale = colouring(state.variant, regions.values, limit);
  const ofRank = scaleColours(regions.values, scale);
  const [down, across] = [image.height / regions.height, image.width / regions.width]
    .map((ratio) => Math.ceil(ratio - 1e-9));
  const rankAt = (pixel) => regions.pixels[
    Math.floor(Math.floor(pixel / image.width) / down) * regions.width
    + Math.floor((pixel % image.width) / across)];
  const canvas = canvasOf("regions-panel");
  drawGrey(canvas, image, state.heat
    ? (_, pixel) => ofRank[rankAt(pixel)]
    : (grey, pixel) => (rankAt(pixel) >= first ? grey : GREYS[0]));
  if (mask && state.outline) drawOutline(canvas, mask);
  const holder = byId("regions-panel").querySelector(".scale");
  holder.hidden = !state.heat;
  drawScale(holder, scale, "mean importance of a region");
  const dsc = (curves.dsc[state.percentage] / 1000).toFixed(3);
  describe(canvas, state.heat ? "Importance of the XRAI regions"
    : `The most important XRAI regions, ${percentText(100 * share)} of the slice; DSC ${dsc}`);
  byId("percentage").max = index.percentages.length - 1;
  byId("percentage").value = state.percentage;
  byId("percentage").setAttribute("aria-valuetext", `${percentage} percent, DSC ${dsc}`);
  byId("percentage-text").textContent = `${percentage} %`;
  showText(readingOf("regions-panel"), `Shown whole: ${percentText(100 * share)} · DSC ${dsc}`);
}

function showMasked(content, slice, image, map, mask) {
  const curves = content.curves[state.estimator]?.[state.variant];
  const shown = Boolean(curves?.mif);
  if (!present("masked-panel", shown)) return;
  const fraction = index.fractions[state.fraction];
  const masked = maskedPixels(map, state.variant, state.order, fraction);
  const fill = index.fill[slice.label];
  const hidden = GREYS[Math.round(fill === "mean" ? meanOf(image) : 255 * fill)];
  const canvas = canvasOf("masked-panel");
  drawGrey(canvas, image, (grey, pixel) => (masked[pixel] ? hidden : grey));
  if (mask && state.outline) drawOutline(canvas, mask);
  const value = curves[state.order][state.fraction];
  const words = state.order === "mif" ? "most" : "least";
  const answer = maskedText(value, slice.label);
  describe(canvas, `Slice with the ${percentText(100 * fraction)} ${words} important pixels in `
    + `${GREY_NAMES.get(hidden) ?? "grey"}. Answer: ${answer}`);
  byId("fraction").max = index.fractions.length - 1;
  byId("fraction").value = state.fraction;
  byId("fraction").setAttribute("aria-valuetext", `${percentText(100 * fraction)} masked, ${answer}`);
  byId("fraction-text").textContent = percentText(100 * fraction);
  showText(readingOf("masked-panel"), `Answer: ${answer}`, !isRight(value, slice.label));
  drawCurve(byId("curve"), index.fractions, curves, state.order, state.fraction,
    ...(OF_TWO ? ["logit", LAST] : ["margin", CLASSES[slice.label]]));
}

async function showThumbnails(place, content, limits, isCurrent) {
  for (const [row, estimator] of names.entries()) {
    const map = await mapOf(place, estimator, content);
    if (!isCurrent()) return;
    const scale = colouring(state.variant, map.values, limits[estimator]);
    drawMap(byId("estimators").tBodies[0].rows[row].querySelector("canvas"), map, state.variant, scale, 0);
  }
}

function showScores(slice) {
  for (const [row, estimator] of names.entries()) {
    const { cells } = byId("estimators").tBodies[0].rows[row];
    cells[0].firstChild.setAttribute("aria-pressed", estimator === state.estimator);
    const scores = slice.scores[estimator]?.[state.variant] ?? {};
    COLUMNS.forEach(({ text }, column) => { cells[column + 1].textContent = text(scores); });
  }
}

// ---- One pass over everything that is shown.

let passes = 0;

async function show() {
  passes += 1;
  const pass = passes;
  const isCurrent = () => pass === passes;
  delete document.documentElement.dataset.shown;
  showControls();
  writeAddress();
  byId("nothing").hidden = listed.length > 0;
  byId("facts").hidden = listed.length === 0;
  byId("columns").hidden = listed.length === 0;
  if (listed.length) {
    const place = current();
    const slice = index.slices[place];
    showFacts(slice);
    showScores(slice);
    announce(slice);
    const content = await contentOf(place);
    const [image, mask, map, limits] = await Promise.all([
      pictureOf(place, "image", content),
      content.mask && pictureOf(place, "mask", content),
      mapOf(place, state.estimator, content),
      state.scale === "map" ? content.limits : commonLimits(),
    ]);
    if (!isCurrent()) return;
    showSlice(slice, image, mask);
    showMaps(slice, map, mask, limits);
    showMasked(content, slice, image, map, mask);
    await showRegions(place, content, image, mask, isCurrent);
    await showThumbnails(place, content, limits, isCurrent);
  } else {
    byId("live").textContent = byId("nothing").textContent;
  }
  if (isCurrent()) document.documentElement.dataset.shown = state.slice;
}

function showControls() {
  const option = (place, number) => {
    const slice = index.slices[place];
    const text = `${number + 1}. ${tail(slice.patient_id)} · ${CLASSES[slice.label]} · `
      + `${verdict(slice.correct)} · ${tail(slice.slice_id)}`;
    return new Option(text, slice.slice_id);
  };
  const places = listed.join();
  if (byId("slice").dataset.places !== places) {
    byId("slice").replaceChildren(...listed.map(option));
    byId("slice").dataset.places = places;
  }
  for (const key of ["slice", "label", "patient", "answer", "sort", "estimator", "scale"]) {
    byId(key).value = state[key];
  }
  for (const key of ["outline", "heat"]) byId(key).checked = state[key];
  for (const key of ["variant", "order"]) {
    for (const input of all(`input[name="${key}"]`)) input.checked = input.value === state[key];
  }
  for (const holder of all("span.variant")) holder.textContent = state.variant;
  const place = listed.indexOf(current());
  byId("position").textContent = `${place + 1} of ${listed.length}`;
  // Disabled buttons would lose the focus of who steps through with them.
  byId("previous").setAttribute("aria-disabled", place <= 0);
  byId("next").setAttribute("aria-disabled", place === listed.length - 1);
}

// ---- Made once.

function fillChoices() {
  const patients = [...new Set(index.slices.map((slice) => slice.patient_id))].sort();
  byId("patient").append(...patients.map((patient) => new Option(patient)));
  byId("label").append(...CLASSES.map((name, label) => new Option(name, label)));
  for (const name of GIVEN_SCORES) {
    for (const end of ["best", "worst"]) {
      byId("sort").append(new Option(`${SCORES[name].long}, ${end} first`, `${name}-${end}`));
    }
  }
  byId("estimator").append(...index.estimators.map(({ name, title }) => new Option(title, name)));
  const heading = element("tr");
  heading.append(...["Estimator", ...COLUMNS.map(({ title }) => title)].map(
    (text) => element("th", { scope: "col" }, text)));
  byId("estimators").tHead.append(heading);
  byId("estimators").tBodies[0].append(...index.estimators.map(({ name, title }) => {
    const row = element("tr");
    const button = element("button", { type: "button" });
    button.append(element("canvas", { ariaHidden: "true" }), element("span", {}, title));
    button.addEventListener("click", () => update({ estimator: name }));
    const head = element("th", { scope: "row" });
    head.append(button);
    row.append(head, ...COLUMNS.map(() => element("td")));
    return row;
  }));
  const hasMasks = index.slices.some((slice) => slice.annotated);
  byId("outline-field").hidden = !hasMasks;
  byId("mask-panel").hidden = !hasMasks;
  byId("regions-panel").hidden = !index.percentages;
  byId("masked-panel").hidden = !index.fractions;
  const small = matchMedia("(max-width: 32rem)").matches;
  byId("filters").open = !small;
}

function fillNotes() {
  const [rows, columns] = index.size;
  const meanings = [
    [index.has_auc, "AUC: of this slice's ROC curve, importance against the mask."],
    [index.percentages, "max DSC: the highest over the displayed percentages of this slice, and at which."],
    [index.fractions, "F × 10: area between the answers being correct, least and most important "
      + "pixels masked first, of this slice alone."],
    [true, "–: not measured on this slice."],
  ];
  byId("meaning").textContent = meanings.filter(([given]) => given).map(([, text]) => text).join(" ");
  const finer = index.levels < 256 ? ", finer at both ends" : "";
  const notes = [
    `${index.slices.length} of ${index.explained} slices with maps are here: first those with a `
      + "mask, then test slices (report.explorer_slices in the configuration).",
    "Colours end at the 99.5th percentile of the map's size, or, with one scale for all slices, at "
      + "the median of these ends: original and absolute share it.",
    `Maps are stored as ${index.levels} levels of importance${finer}; within a level `
      + "the order in which pixels are masked is arbitrary here. The answers were measured with the "
      + "exact order.",
    index.factor > 1 && `Pictures are reduced from ${columns} × ${rows} pixels by ${index.factor}; `
      + "every number was measured in full.",
    Math.max(rows, columns) > 128 && "XRAI regions are drawn coarser than they are; percentages and "
      + "DSC are exact.",
    "Regions are shown whole, so more than the percentage asked for can be seen.",
  ];
  byId("notes").append(...notes.filter(Boolean).map((text) => element("li", {}, text)));
}

function connect() {
  for (const key of ["slice", "label", "patient", "answer", "sort", "estimator", "scale"]) {
    byId(key).addEventListener("change", (event) => update({ [key]: event.target.value }));
  }
  for (const key of ["outline", "heat"]) {
    byId(key).addEventListener("change", (event) => update({ [key]: event.target.checked }));
  }
  for (const key of ["variant", "order"]) {
    for (const input of all(`input[name="${key}"]`)) {
      input.addEventListener("change", () => update({ [key]: input.value }));
    }
  }
  for (const key of ["percentage", "fraction"]) {
    byId(key).addEventListener("input", (event) => update({ [key]: Number(event.target.value) }));
  }
  byId("previous").addEventListener("click", () => step(-1));
  byId("next").addEventListener("click", () => step(1));
  byId("reset").addEventListener("click", () => update({ label: "", patient: "", answer: "", sort: "" }));
  byId("help-button").addEventListener("click", () => byId("help").showModal());
  byId("skip").addEventListener("click", (event) => {
    event.preventDefault(); // the address holds the state
    byId("main").focus();
  });
  addEventListener("hashchange", () => update(stateOfAddress()));
  addEventListener("keydown", onKey);
}

const KEYS = {
  ArrowLeft: () => step(-1),
  ArrowRight: () => step(1),
  ArrowUp: () => update({ estimator: cycle(names, state.estimator, -1) }),
  ArrowDown: () => update({ estimator: cycle(names, state.estimator, 1) }),
  Home: () => step(-listed.length),
  End: () => step(listed.length),
};
const LETTERS = {
  v: () => update({ variant: cycle(VARIANTS, state.variant, 1) }),
  m: () => update({ outline: !state.outline }),
  o: () => update({ order: cycle(["mif", "lif"], state.order, 1) }),
  "[": () => slide("fraction", -1),
  "]": () => slide("fraction", 1),
  ",": () => slide("percentage", -1),
  ".": () => slide("percentage", 1),
  "?": () => byId("help").showModal(),
};

function onKey(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || byId("help").open) return;
  const lists = event.target.matches?.("select, textarea");
  const moves = lists || event.target.matches?.('input[type="range"], input[type="radio"]');
  const action = (!moves && KEYS[event.key])
    || (!lists && byId("letters").checked && LETTERS[event.key]);
  if (!action) return;
  event.preventDefault();
  action();
}

fillChoices();
fillNotes();
connect();
update(stateOfAddress());
