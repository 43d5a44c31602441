// What the page holds: the index, and the contents and decoded images of the slices looked at last.

const byId = (name) => document.getElementById(name);
const all = (selector) => [...document.querySelectorAll(selector)];
const index = JSON.parse(byId("index").textContent);
const VARIANTS = ["original", "absolute"];
const CLASSES = index.classes;
const LAST = CLASSES.at(-1); // of two classes, the one that the logit argues for
const OF_TWO = CLASSES.length === 2;
const METRICS = index.metrics.map((metric) => metric.name);
const metricOf = Object.fromEntries(index.metrics.map((metric) => [metric.name, metric]));
const names = index.estimators.map((estimator) => estimator.name);
const titles = Object.fromEntries(index.estimators.map(
  ({ name, title, control }) => [name, title + (control ? " †" : "")]));
const CLASSIFIERS = index.classifiers; // of a page that compares several
const ofMap = Object.fromEntries(index.estimators.map(({ name, of }) => [name, of])); // estimator and classifier
const placeOf = new Map(index.slices.map((slice, place) => [slice.slice_id, place]));

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

const contentOf = (place) => remembered(`${place}`, async () => {
  const content = await dataOf(`slice-${place}`);
  const valuesOfEach = (table, read) => Object.fromEntries(
    Object.entries(table).map(([key, value]) => [key, read(value)]));
  const byVariant = (curves) => valuesOfEach(curves, curveOf);
  return { ...content, curves: valuesOfEach(content.curves, (of) => valuesOfEach(of, byVariant)) };
});
const commonLimits = () => remembered("limits", () => dataOf("limits"));
const thumbnails = () => remembered("thumbnails", () => dataOf("thumbnails"));
const sliceOf = (place, content) => remembered(
  `${place} slice`, () => decodeGreys(content.image, content.image_low, index.greys));
const maskOf = (place, content) => content.mask && remembered(
  `${place} mask`, () => decodeImage(content.mask));
const mapOf = (place, estimator, content) => remembered(
  `${place} map ${estimator}`, () => decodeLevels(content.maps[estimator]));

function regionsOf(place, estimator, variant, content) {
  const packed = content.regions[estimator];
  // A map without negative values has the same regions in both variants.
  const kept = packed[variant] ? variant : "original";
  return remembered(`${place} regions ${estimator} ${kept}`, () => decodeLevels(packed[kept]));
}

/** Hounsfield units of a grey value. */
function hounsfieldOf(grey) {
  const [low, high] = index.hu_window;
  return low + grey / (index.greys - 1) * (high - low);
}

const scoreOf = (slice, metric, estimator, variant) => slice.scores[estimator]?.[variant]?.[metric];

/** Scores of which the higher is the better. */
const meritOf = (metric, score) => (metricOf[metric].higher ? score : -score);

// ---- Texts.

const signedNumber = (value, decimals) => {
  const text = value.toFixed(decimals);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
};

const shortNumber = (value) => {
  const size = Math.abs(value);
  const text = size === 0 ? "0" : size >= 0.01 && size < 1000
    ? String(Number(value.toPrecision(2)))
    : value.toExponential(1).replace("+", "");
  return text.replaceAll("-", "−");
};

const fixed = (value, decimals) => (value === undefined ? "–" : signedNumber(value, decimals));
const scoreText = (metric, score) => fixed(score, metricOf[metric].decimals);
const percentText = (value) => `${Number(value.toFixed(value < 1 ? 2 : 1))} %`;
const tail = (text) => (text.length > 14 ? `…${text.slice(-10)}` : text);
const probability = (logit) => 1 / (1 + Math.exp(-logit));
const verdict = (isRight) => (isRight ? "correct" : "wrong");
// Of more than two classes, a curve holds margins: above 0, the slice's own class has the highest score.
const isRight = (value, label) => (value > 0) === (OF_TWO ? Boolean(label) : true);
const logitText = (logit, label) => `${CLASSES[Number(logit > 0)]} (probability of ${LAST} `
  + `${probability(logit).toFixed(3)}, logit ${signedNumber(logit, 2)}): ${verdict(isRight(logit, label))}`;
const marginText = (margin, label) => `${margin > 0 ? "" : "not "}${CLASSES[label]} `
  + `(margin ${signedNumber(margin, 2)}): ${verdict(margin > 0)}`;
const maskedText = OF_TWO ? logitText : marginText;
/** The answer to a slice of a classifier: of that whose map is chosen. */
const answerOf = (slice, classifier = ofMap[state.estimator][1]) =>
  (slice.answers ? slice.answers[CLASSIFIERS.indexOf(classifier)] : slice);
function answerText(slice, classifier) {
  const { logit, answer, probability: share, correct } = answerOf(slice, classifier);
  return OF_TWO ? logitText(logit, slice.label)
    : `${CLASSES[answer]} (probability ${share.toFixed(3)}): ${verdict(correct)}`;
}
const positionText = (slice) => (slice.position === null ? "" : `${signedNumber(slice.position, 1)} mm`);

// ---- Elements.

const element = (name, properties = {}, text = "") =>
  Object.assign(document.createElement(name), properties, text === "" ? {} : { textContent: text });

function svgElement(name, attributes, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

const describe = (canvas, text) => canvas.setAttribute("aria-label", text);

function showText(holder, text, isWrong = false) {
  holder.textContent = text;
  holder.classList.toggle("wrong", isWrong);
}
