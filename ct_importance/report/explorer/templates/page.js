// Controls, keys, and one pass over everything that is shown.

let passes = 0;

async function show() {
  passes += 1;
  const pass = passes;
  const isCurrent = () => pass === passes;
  const { dataset } = document.documentElement;
  delete dataset.shown;
  delete dataset.surveyed;
  showControls();
  writeAddressSoon();
  for (const part of ["facts", "columns"]) byId(part).hidden = listed.length === 0;
  byId("nothing").hidden = listed.length > 0;
  if (listed.length) {
    await showSlice(current(), isCurrent);
  } else {
    byId("live").textContent = byId("nothing").textContent;
  }
  if (!isCurrent()) return;
  dataset.shown = state.slice;
  if (listed.length) await showOverview(index.slices[current()], isCurrent);
  await showMeans(isCurrent);
  if (isCurrent()) dataset.surveyed = state.slice;
}

async function showSlice(place, isCurrent) {
  const slice = index.slices[place];
  announce(slice);
  const content = await contentOf(place);
  const wanted = [...new Set([...listOf("shown"), state.estimator, subtracted()].filter(Boolean))];
  const [image, mask, limits, ...maps] = await Promise.all([
    sliceOf(place, content), maskOf(place, content),
    state.scale === "map" ? content.limits : commonLimits(),
    ...wanted.map((name) => mapOf(place, name, content)),
  ]);
  if (!isCurrent()) return;
  const { width, height } = image;
  const isSame = scene?.image === image;
  scene = {
    image, mask, limits, width, height, outline: isSame ? scene.outline : mask && outlineOf(mask),
    maps: Object.fromEntries(wanted.map((name, i) => [name, maps[i]])),
  };
  setViews();
  showFacts(slice, mask);
  showTiles(slice);
  showMapScale();
  showTable(slice);
  showMasked(content, slice);
  drawNow();
  showCurves(content, slice);
  await showRegions(place, content, isCurrent);
  if (isCurrent()) drawNow();
}

function showMapScale() {
  const { values } = scene.maps[state.estimator];
  const scale = colouring(state.variant, values, scene.limits[state.estimator]);
  const note = values[0] >= 0 ? "no negative values: both variants are the same"
    : state.variant === "original" ? "less … more important" : "size, without sign";
  drawScale(byId("map-scale"), scale, `${titles[state.estimator]}: ${note}`);
}

// ---- Controls.

const SELECTS = ["slice", "estimator", "label", "patient", "answer", "sort", "scale", "minus", "arrange", "metric", "against"];
const CHECKS = ["outline", "fade", "heat"];
const RADIOS = ["variant", "order"];
const SLIDERS = ["opacity", "top", "level", "width"];

function showControls() {
  const option = (place, number) => new Option(
    `${number + 1}. ${sliceText(place)}`, index.slices[place].slice_id);
  const key = [listed.join(), state.metric, state.estimator, state.variant].join(" ");
  if (byId("slice").dataset.key !== key) {
    byId("slice").replaceChildren(...listed.map(option));
    byId("slice").dataset.key = key;
  }
  for (const name of SELECTS) byId(name).value = state[name];
  for (const name of CHECKS) byId(name).checked = state[name];
  for (const name of RADIOS) {
    for (const input of all(`input[name="${name}"]`)) input.checked = input.value === state[name];
  }
  for (const input of all("#shown input")) input.checked = listOf("shown").includes(input.value);
  for (const input of all("#scores input")) input.checked = listOf("scores").includes(input.value);
  for (const name of SLIDERS) byId(name).value = state[name];
  for (const name of ["opacity", "top"]) byId(`${name}-text`).textContent = `${state[name]} %`;
  for (const name of ["level", "width"]) byId(`${name}-text`).textContent = `${signedNumber(state[name], 0)} HU`;
  byId("preset").value = presetNow();
  showZoom();
  for (const holder of all("span.variant")) holder.textContent = state.variant;
  for (const holder of all("span.estimator")) holder.textContent = titles[state.estimator];
  const place = listed.indexOf(current());
  byId("position").textContent = `${place + 1} of ${listed.length}`;
  // Disabled buttons would lose the focus of who steps through with them.
  byId("previous").setAttribute("aria-disabled", place <= 0);
  byId("next").setAttribute("aria-disabled", place === listed.length - 1);
}

function addOptions(name, options) {
  byId(name).append(...options.map(([text, value]) => new Option(text, value)));
}

function addChecks(name, entries, allowed) {
  byId(name).append(...entries.map(([text, value]) => {
    const label = element("label", { className: "check" });
    const input = element("input", { type: "checkbox", value });
    input.addEventListener("change", () => update(toggled(name, value, allowed)));
    label.append(input, ` ${text}`);
    return label;
  }));
}

function fillChoices() {
  const patients = [...new Set(index.slices.map((slice) => slice.patient_id))].sort();
  const metrics = index.metrics.map(({ name, title }) => [title, name]);
  const estimators = names.map((name) => [titles[name], name]);
  addOptions("patient", patients.map((patient) => [patient, patient]));
  addOptions("label", CLASSES.map((name, label) => [name, label]));
  addOptions("sort", metrics.flatMap(([title, name]) => ["best", "worst"].map(
    (end) => [`${title}, ${end} first`, `${name}-${end}`])));
  addOptions("minus", CLASSIFIERS.map((name) => [`same estimator of ${name}`, `of:${name}`]));
  for (const name of ["estimator", "minus"]) addOptions(name, estimators);
  if (CLASSIFIERS.length) addOptions("answer", [["correct by some only", "differ"]]);
  for (const name of ["metric", "against"]) addOptions(name, metrics);
  addOptions("preset", PRESETS.map(({ title, level, width }, i) => [i ? `${title} (${level} / ${width})` : title, i]));
  byId("preset").append(new Option("as set below", -1));
  addChecks("shown", estimators, names);
  addChecks("scores", metrics, METRICS);
  for (const [name, [low, high]] of [["level", [LOW, HIGH]], ["width", [1, HIGH - LOW]]]) {
    Object.assign(byId(name), { min: low, max: high, step: (HIGH - LOW) > 50 ? 1 : "any" });
  }
  byId("find-field").hidden = names.length <= SEVERAL;
  hideWhatThereIsNot();
}

/** Of the list of estimators only those whose title holds what is looked for. */
function findEstimators() {
  const wanted = byId("find").value.trim().toLowerCase();
  for (const label of byId("shown").children) label.hidden = !label.textContent.toLowerCase().includes(wanted);
}

function hideWhatThereIsNot() {
  byId("outline-field").hidden = !index.slices.some((slice) => slice.annotated);
  byId("regions-panel").hidden = !index.percentages;
  byId("chosen-part").hidden = !CURVED && !index.percentages;
  for (const name of ["masked-panel", "curves-section"]) byId(name).hidden = !CURVED;
  for (const name of ["scores-part", "metric-field", "table-section", "scatter-part"]) byId(name).hidden = !METRICS.length;
  const isNarrow = matchMedia("(max-width: 62rem)").matches;
  byId("side").open = !isNarrow;
  byId("mean-maps").hidden = CLASSIFIERS.length > 0; // those of one are on its own page
}

function fillNotes() {
  const [rows, columns] = index.size;
  const finer = index.levels < 256 ? ", finer at both ends" : "";
  const notes = [
    `${index.slices.length} of ${index.explained} slices with maps are here: first those with a `
      + "mask, then test slices (report.explorer_slices in the configuration).",
    "It opens on a slice with a mask that is answered correctly, and on the estimator that is best on "
      + "average over the slices here by the first metric that tells them apart. †: a control, which knows nothing of the classifier.",
    `Slices hold ${signedNumber(LOW, 0)} to ${signedNumber(HIGH, 0)} HU (cohort.hu_window) in ${index.greys} steps`
      + `${index.lossy ? ", compressed with loss" : ""}; what lies beyond was not kept.`,
    "Over the slice lie the pixels of the largest importance without sign, as many as asked for; "
      + "where weak ones fade, opacity falls with the root of their size. Tables and curves are of the "
      + "whole map. For the map alone: all pixels, full opacity, no fading.",
    "Colours end at the 99.5th percentile of the map's size, or, with one scale for all slices, at "
      + "the median of these ends: original and absolute share it. Importance has no unit that "
      + "estimators share, so differences are of shares of these ends.",
    `Maps are stored as ${index.levels} levels of importance${finer}; within a level `
      + "the order in which pixels are masked is arbitrary here. The answers were measured with the "
      + "exact order.",
    index.factor > 1 && `Pictures are reduced from ${columns} × ${rows} pixels by ${index.factor}; `
      + "every number was measured in full.",
    Math.max(rows, columns) > 128 && "XRAI regions are drawn coarser than they are; percentages and "
      + "DSC are exact.",
    "Regions are shown whole, so more than the percentage asked for can be seen.",
    "Scores are of one slice each: one slice ranks no estimators, the tables of the run do. –: not "
      + "measured on this slice, or undefined.",
  ];
  byId("notes").append(...notes.filter(Boolean).map((text) => element("li", {}, text)));
}

function connect() {
  for (const key of SELECTS) byId(key).addEventListener("change", (event) => update({ [key]: event.target.value }));
  for (const key of CHECKS) byId(key).addEventListener("change", (event) => update({ [key]: event.target.checked }));
  for (const key of RADIOS) {
    for (const input of all(`input[name="${key}"]`)) {
      input.addEventListener("change", () => update({ [key]: input.value }));
    }
  }
  for (const key of [...SLIDERS, ...Object.keys(SETTINGS)]) {
    byId(key).addEventListener("input", (event) => update({ [key]: Number(event.target.value) }));
  }
  byId("preset").addEventListener("change", ({ target }) => {
    const { level, width } = PRESETS[target.value] ?? state;
    update({ level, width });
  });
  for (const name of ["overview", "mean-maps"]) byId(name).addEventListener("toggle", show);
  byId("find").addEventListener("input", findEstimators);
  addEventListener("hashchange", () => update(stateOfAddress()));
  addEventListener("keydown", onKey);
  connectButtons();
  connectPointers();
}

function connectButtons() {
  const actions = {
    previous: () => step(-1), next: () => step(1),
    reset: () => update({ label: "", patient: "", answer: "", sort: "" }),
    "help-button": () => byId("help").showModal(),
    "copy-link": copyLink, "save-picture": savePicture, "save-curves": saveCurves,
    "zoom-in": () => zoomBy(2), "zoom-out": () => zoomBy(0.5), "zoom-reset": lookAtAll,
    "show-all": () => update({ shown: names.join() }),
    "show-none": () => update({ shown: state.estimator }),
    "show-default": () => update({ shown: DEFAULTS.shown }),
  };
  for (const [name, action] of Object.entries(actions)) byId(name).addEventListener("click", action);
  byId("skip").addEventListener("click", (event) => {
    event.preventDefault(); // the address holds the state
    byId("main").focus();
  });
}

const KEYS = {
  ArrowLeft: () => step(-1),
  ArrowRight: () => step(1),
  ArrowUp: () => update({ estimator: cycle(names, state.estimator, -1) }),
  ArrowDown: () => update({ estimator: cycle(names, state.estimator, 1) }),
  Home: () => step(-listed.length),
  End: () => step(listed.length),
};
const CROSS_KEYS = {
  ArrowLeft: () => moveCross(-1, 0), ArrowRight: () => moveCross(1, 0),
  ArrowUp: () => moveCross(0, -1), ArrowDown: () => moveCross(0, 1),
};
const LETTERS = {
  v: () => update({ variant: cycle(VARIANTS, state.variant, 1) }),
  m: () => update({ outline: !state.outline }),
  e: () => update(toggled("large", state.estimator, LISTS.large)),
  w: () => {
    const { level, width } = PRESETS[(presetNow() + 1) % PRESETS.length];
    update({ level, width });
  },
  "+": () => zoomBy(2),
  "-": () => zoomBy(0.5),
  0: lookAtAll,
  o: () => update({ order: cycle(["mif", "lif"], state.order, 1) }),
  "[": () => slide("fraction", -1),
  "]": () => slide("fraction", 1),
  ",": () => slide("percentage", -1),
  ".": () => slide("percentage", 1),
  "?": () => byId("help").showModal(),
};

function onKey(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || byId("help").open) return;
  const lists = event.target.matches?.('select, input[type="search"]');
  const moves = lists || event.target.matches?.('input[type="range"], input[type="radio"]');
  const keys = event.shiftKey ? CROSS_KEYS : KEYS;
  const action = (!moves && scene && keys[event.key])
    || (!lists && byId("letters").checked && LETTERS[event.key]);
  if (!action) return;
  event.preventDefault();
  action();
}

fillChoices();
fillNotes();
connect();
update(stateOfAddress());
