// What is shown: the state, which the address holds, and the slices that are listed.

const nearest = (values, wanted) => values.reduce(
  (best, value, i) => (Math.abs(value - wanted) < Math.abs(values[best] - wanted) ? i : best), 0);
const SEVERAL = 16; // so many maps are shown at first, and scores of half as many metrics
const [LOW, HIGH] = index.hu_window;
const FULL_WINDOW = { level: (LOW + HIGH) / 2, width: HIGH - LOW };
const ZOOMS = [1, 16];

const DEFAULTS = {
  slice: index.opening.slice, estimator: index.opening.estimator, variant: "original", scale: "map",
  outline: true, fade: true, heat: false, order: "mif", label: "", patient: "", answer: "", sort: "",
  percentage: index.percentages ? nearest(index.percentages, 5) : 0,
  fraction: index.fractions ? nearest(index.fractions, 0.1) : 0,
  opacity: 80, top: 20, ...FULL_WINDOW, zoom: 1, x: 0.5, y: 0.5, cross: "",
  minus: opposite(), arrange: "", metric: METRICS[0] ?? "", against: METRICS[1] ?? METRICS[0] ?? "",
  large: ["slice", ...(CLASSIFIERS.length ? ["difference"] : []), index.opening.estimator].join(), shown: firstShown().join(),
  scores: METRICS.slice(0, SEVERAL / 2).join(),
};
const SETTINGS = { percentage: index.percentages, fraction: index.fractions }; // as values in the address
let state = { ...DEFAULTS };
let listed = []; // places in index.slices, in the order shown

function firstShown() {
  const some = names.slice(0, SEVERAL);
  return some.includes(index.opening.estimator) ? some : [index.opening.estimator, ...some];
}

/** On a page of several classifiers: "of:" and the first that is not that of the map it opens on. */
function opposite() {
  const other = CLASSIFIERS.find((classifier) => classifier !== ofMap[index.opening.estimator][1]);
  return other ? `of:${other}` : "";
}

/** The name of the map that is subtracted, if any: a certain one, or that of the same estimator of a classifier. */
function subtracted() {
  const [estimator] = ofMap[state.estimator];
  const name = state.minus.startsWith("of:") ? `${estimator}/${state.minus.slice(3)}` : state.minus;
  return name === state.estimator && state.minus !== name ? "" : name;
}

const differs = (slice) => new Set(slice.answers?.map(({ correct }) => correct)).size > 1;

/** Names of estimators, the best by the score shown on this slice first, if wanted. */
function arranged(some) {
  if (state.arrange !== "best") return some;
  const merit = new Map(some.map((name) => {
    const score = scoreOf(index.slices[current()], state.metric, name, state.variant);
    return [name, score === undefined ? -Infinity : meritOf(state.metric, score)];
  }));
  return [...some].sort((a, b) => merit.get(b) - merit.get(a) || 0);
}

const listOf = (key) => state[key].split(",").filter(Boolean);

function toggled(key, name, allowed) {
  const chosen = new Set(listOf(key));
  if (!chosen.delete(name)) chosen.add(name);
  return { [key]: allowed.filter((one) => chosen.has(one)).join() };
}

// ---- The address.

const CHOICES = {
  slice: index.slices.map((slice) => slice.slice_id), estimator: names, variant: VARIANTS,
  order: ["mif", "lif"], scale: ["map", "estimator"], label: Object.keys(CLASSES),
  patient: index.slices.map((slice) => slice.patient_id), answer: ["correct", "wrong", "differ"],
  sort: METRICS.flatMap((name) => [`${name}-best`, `${name}-worst`]),
  minus: ["", ...names, ...CLASSIFIERS.map((name) => `of:${name}`)], arrange: ["best"], metric: METRICS, against: METRICS,
};
const RANGES = {
  opacity: [0, 100], top: [0, 100], level: [LOW, HIGH], width: [1, HIGH - LOW], zoom: ZOOMS,
  x: [0, 1], y: [0, 1],
};
const LISTS = { large: ["slice", "difference", ...names], shown: names, scores: METRICS };

function stateOfAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  const read = { ...DEFAULTS };
  for (const [key, allowed] of Object.entries(CHOICES)) {
    if (allowed.includes(given.get(key))) read[key] = given.get(key);
  }
  for (const [key, allowed] of Object.entries(LISTS)) {
    if (given.has(key)) read[key] = given.get(key).split(",").filter((name) => allowed.includes(name)).join();
  }
  for (const [key, [low, high]] of Object.entries(RANGES)) {
    const value = parseFloat(given.get(key));
    if (Number.isFinite(value)) read[key] = Math.min(high, Math.max(low, value));
  }
  for (const key of ["outline", "fade", "heat"]) if (given.has(key)) read[key] = given.get(key) === "1";
  for (const [key, values] of Object.entries(SETTINGS)) {
    const wanted = parseFloat(given.get(key));
    if (values && Number.isFinite(wanted)) read[key] = nearest(values, wanted);
  }
  if (/^\d+,\d+$/.test(given.get("cross"))) read.cross = given.get("cross");
  return read;
}

let written = -Infinity; // when the address was last written, in milliseconds
let later = 0; // the timer of the next time
const PAUSE = 350; // milliseconds from one time to the next: Safari takes 100 in 30 seconds

/** Keep what is shown in the address; browsers refuse to be told of every move of a pointer or slider. */
function writeAddressSoon() {
  clearTimeout(later);
  const wait = written + PAUSE - performance.now();
  if (wait > 0) later = setTimeout(writeAddress, wait);
  else writeAddress();
}

function writeAddress() {
  written = performance.now();
  const shown = new URLSearchParams();
  for (const [key, value] of Object.entries(state)) {
    if (value === DEFAULTS[key] && key !== "slice") continue;
    const values = SETTINGS[key];
    shown.set(key, values ? values[value] : typeof value === "boolean" ? Number(value)
      : typeof value === "number" ? Number(value.toFixed(4)) : value);
  }
  if (location.hash.slice(1) !== shown.toString()) history.replaceState(null, "", `#${shown}`);
}

// ---- Which slices are listed, and in which order.

/** From patient to patient, series by series, from the feet to the head. */
function anatomically(a, b) {
  const [one, other] = [index.slices[a], index.slices[b]];
  return one.patient_id.localeCompare(other.patient_id, "en", { numeric: true })
    || (one.series ?? 0) - (other.series ?? 0) || (one.position ?? 0) - (other.position ?? 0) || a - b;
}

function listSlices() {
  const fits = (slice) => (state.label === "" || String(slice.label) === state.label)
    && (state.patient === "" || slice.patient_id === state.patient)
    && (state.answer === "" || (state.answer === "differ" ? differs(slice)
      : answerOf(slice).correct === (state.answer === "correct")));
  listed = [...index.slices.keys()].filter((place) => fits(index.slices[place])).sort(anatomically);
  if (!state.sort) return;
  const [name, end] = state.sort.split(/-(?=best$|worst$)/);
  const direction = end === "best" ? -1 : 1;
  const merit = new Map(listed.map((place) => {
    const score = scoreOf(index.slices[place], name, state.estimator, state.variant);
    return [place, score === undefined ? undefined : direction * meritOf(name, score)];
  }));
  // Slices without this score come last either way.
  listed.sort((a, b) => (merit.get(a) === undefined) - (merit.get(b) === undefined)
    || (merit.get(a) - merit.get(b)) || 0);
}

const current = () => placeOf.get(state.slice);

/** Change the state and show it; a new order or choice of slices begins with its first. */
function update(changes) {
  const jumps = "sort" in changes && changes.sort !== state.sort && !("slice" in changes);
  Object.assign(state, changes);
  listSlices();
  if (listed.length && (jumps || !listed.includes(current()))) {
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
  const values = SETTINGS[key];
  if (values) update({ [key]: Math.min(values.length - 1, Math.max(0, state[key] + by)) });
}
