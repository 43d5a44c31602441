// Of the present slice: its facts, the scores and curves of all estimators, and the chosen one in depth.

const canvasOf = (panel) => byId(panel).querySelector("canvas");
const readingOf = (panel) => byId(panel).querySelector(".reading");
const CURVED = Boolean(index.fractions);
const [QUANTITY, ANSWER] = OF_TWO ? ["logit", () => LAST] : ["margin", (slice) => CLASSES[slice.label]];

/** Show a panel, or that this slice lacks what it shows: panels stay where they are. */
function present(panel, isThere) {
  byId(panel).classList.toggle("absent", !isThere);
  return Boolean(isThere);
}

function showFacts(slice, mask) {
  const inSeries = seriesOf(slice);
  const covered = mask && mask.pixels.filter((value) => value > 127).length / mask.pixels.length;
  const entries = [
    ["Patient", slice.patient_id], ["Label", CLASSES[slice.label]],
    ...(CLASSIFIERS.length ? CLASSIFIERS : [undefined]).map((classifier) => [
      classifier ? `Answer of ${classifier}` : "Classifier's answer", answerText(slice, classifier),
      !answerOf(slice, classifier).correct]),
    ["Used for", slice.split === "test" ? "testing" : "training"],
    ["Mask", mask ? `${percentText(100 * covered)} of the slice` : "none"],
    slice.position !== null && ["In its series", `${positionText(slice)}, ${inSeries.indexOf(current()) + 1} of `
      + `${inSeries.length} here`],
    ["Slice", slice.slice_id],
  ];
  byId("facts").replaceChildren(...entries.filter(Boolean).map(([term, text, isWrong]) => {
    const pair = element("div", { className: term === "Slice" ? "long" : "" });
    pair.append(element("dt", {}, term), element("dd", { className: isWrong ? "wrong" : "" }, text));
    return pair;
  }));
}

function announce(slice) {
  const scores = listOf("scores").map((name) => `${metricOf[name].title} `
    + scoreText(name, scoreOf(slice, name, state.estimator, state.variant)));
  const text = [
    `Slice ${listed.indexOf(current()) + 1} of ${listed.length}, patient ${slice.patient_id}, `
      + `${CLASSES[slice.label]}, answer ${verdict(answerOf(slice).correct)}`,
    [`${titles[state.estimator]}, ${state.variant}`, ...scores].join(", "),
  ].join(". ");
  if (byId("live").textContent !== text) byId("live").textContent = text;
}

// ---- Scores of all estimators.

function showTable(slice) {
  const metrics = METRICS.filter((name) => listOf("scores").includes(name));
  const table = byId("estimators");
  showHeadings(metrics);
  const best = Object.fromEntries(metrics.map((metric) => [metric, Math.max(...names
    .map((name) => scoreOf(slice, metric, name, state.variant)).filter((score) => score !== undefined)
    .map((score) => meritOf(metric, score)))]));
  table.tBodies[0].replaceChildren(...arranged(names).map((name) => {
    const row = element("tr", { className: name === state.estimator ? "chosen" : "" });
    row.append(element("th", { scope: "row" }, titles[name]), ...metrics.map((metric) => {
      const score = scoreOf(slice, metric, name, state.variant);
      const isBest = score !== undefined && meritOf(metric, score) === best[metric];
      return element("td", { className: isBest ? "best" : "" }, scoreText(metric, score));
    }));
    // For the pointer; the keyboard has arrow keys and the list of estimators.
    row.addEventListener("click", () => update({ estimator: name }));
    return row;
  }));
  showChosenRow(table);
}

/** The headings of metrics are buttons, which stay where they are: one may have the focus. */
function showHeadings(metrics) {
  const row = byId("estimators").tHead.querySelector("tr");
  if (row.dataset.key !== metrics.join()) {
    row.dataset.key = metrics.join();
    row.replaceChildren(element("th", { scope: "col" }, "Estimator"), ...metrics.map(tableHeading));
  }
  for (const head of row.querySelectorAll("[data-metric]")) {
    const isSorted = state.arrange === "best" && state.metric === head.dataset.metric;
    if (isSorted) head.setAttribute("aria-sort", metricOf[state.metric].higher ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  }
}

/** A metric's heading puts its best estimators first, and back. */
function tableHeading(name) {
  const { title, unit, higher } = metricOf[name];
  const head = element("th", { scope: "col" });
  head.dataset.metric = name;
  const button = element("button", { type: "button" }, `${title} ${higher ? "↑" : "↓"}`);
  button.addEventListener("click", () => update({
    metric: name, arrange: state.arrange === "best" && state.metric === name ? "" : "best" }));
  head.append(button, element("small", {}, unit));
  return head;
}

/** Scroll the table, not the page, to the chosen estimator. */
function showChosenRow(table) {
  const [holder, row] = [table.parentElement, table.querySelector(".chosen")];
  const above = row.offsetTop - table.tHead.offsetHeight;
  if (above < holder.scrollTop) holder.scrollTop = above;
  const below = row.offsetTop + row.offsetHeight - holder.clientHeight;
  if (below > holder.scrollTop) holder.scrollTop = below;
}

// ---- Fidelity of all estimators.

function showCurves(content, slice) {
  const known = names.filter((name) => content.curves[name]?.[state.variant]?.mif);
  byId("curves-missing").hidden = known.length > 0;
  const curvesOf = (name) => content.curves[name][state.variant];
  const range = rangeOf(known.map(curvesOf));
  showTogether(known.map((name) => [name, curvesOf(name)]), range, slice);
  byId("curves-key").replaceChildren(...(known.length ? [curveKey(QUANTITY, ANSWER(slice))] : []));
  const shown = new Set([...listOf("shown"), state.estimator]);
  byId("curves").replaceChildren(...arranged(known.filter((name) => shown.has(name))).map((name) => {
    const figure = element("figure", { className: name === state.estimator ? "chosen" : "" });
    figure.append(element("figcaption", {}, titles[name]),
      curveChart(curvesOf(name), { size: [220, 120], range, now: null, quantity: `${titles[name]}: ${QUANTITY}` }));
    return figure;
  }));
}

/** The curves of all estimators in one chart, of which the chosen and the enlarged ones stand out. */
function showTogether(curves, range, slice) {
  byId("together").hidden = curves.length < 3;
  if (byId("together").hidden) return;
  const large = listOf("large").filter((name) => titles[name] && name !== state.estimator);
  const marked = [state.estimator, ...large].slice(0, MARKS);
  const width = Math.min(760, Math.max(320, byId("columns").clientWidth));
  byId("together").replaceChildren(
    togetherKey(marked, `${QUANTITY}, ${state.order === "mif" ? "most" : "least"} important first; above 0 the answer is ${ANSWER(slice)}`),
    togetherChart(curves, { size: [width, 240], range, marked, order: state.order }));
}

// ---- Regions of XRAI of the chosen estimator.

async function showRegions(place, content, isCurrent) {
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
  const key = [state.estimator, state.variant, windowKey(), state.heat, state.percentage].join(" ");
  setView("regions", key, () => [regionsPicture(regions, first, scaleColours(regions.values, scale))]);
  const holder = byId("regions-panel").querySelector(".scale");
  holder.hidden = !state.heat;
  drawScale(holder, scale, "mean importance of a region");
  const dsc = curves.dsc[state.percentage].toFixed(3);
  describe(canvasOf("regions-panel"), state.heat ? "Importance of the XRAI regions"
    : `The most important XRAI regions, ${percentText(100 * share)} of the slice; DSC ${dsc}`);
  showSlider("percentage", index.percentages, `${percentage} %`, `${percentage} percent, DSC ${dsc}`);
  const best = curves.dsc.indexOf(Math.max(...curves.dsc));
  showText(readingOf("regions-panel"), `Shown whole: ${percentText(100 * share)} · DSC ${dsc} · `
    + `highest ${curves.dsc[best].toFixed(3)} at ${index.percentages[best]} %`);
}

function regionsPicture(regions, first, ofRank) {
  const { image } = scene;
  const [down, across] = [image.height / regions.height, image.width / regions.width]
    .map((ratio) => Math.ceil(ratio - 1e-9));
  const rankAt = (pixel) => regions.pixels[
    Math.floor(Math.floor(pixel / image.width) / down) * regions.width
    + Math.floor((pixel % image.width) / across)];
  return picture(image, coloursBy(image.pixels, windowTable(state), state.heat
    ? (_, pixel) => ofRank[rankAt(pixel)]
    : (grey, pixel) => (rankAt(pixel) >= first ? grey : GREYS[0])));
}

function showSlider(name, values, text, spoken) {
  Object.assign(byId(name), { max: values.length - 1, value: state[name] });
  byId(name).setAttribute("aria-valuetext", spoken);
  byId(`${name}-text`).textContent = text;
}

// ---- What the classifier was asked.

const meanOf = ({ pixels }) =>
  pixels.reduce((sum, grey) => sum + grey, 0) / pixels.length / (index.greys - 1);

function showMasked(content, slice) {
  const curves = content.curves[state.estimator]?.[state.variant];
  if (!present("masked-panel", Boolean(curves?.mif))) return;
  const fraction = index.fractions[state.fraction];
  const fill = index.fill[slice.label];
  const share = fill === "mean" ? meanOf(scene.image) : fill;
  const key = [state.estimator, state.variant, windowKey(), state.order, state.fraction].join(" ");
  setView("masked", key, () => [maskedPicture(fraction, share)]);
  const value = curves[state.order][state.fraction];
  const answer = maskedText(value, slice.label);
  const words = state.order === "mif" ? "most" : "least";
  const colour = new Map([[0, "black"], [1, "white"], [null, "violet"]]).get(share) ?? "grey";
  describe(canvasOf("masked-panel"), `Slice with the ${percentText(100 * fraction)} ${words} important pixels in `
    + `${colour}. Answer: ${answer}`);
  showSlider("fraction", index.fractions, percentText(100 * fraction),
    `${percentText(100 * fraction)} masked, ${answer}`);
  showText(readingOf("masked-panel"), `Answer: ${answer}`, !isRight(value, slice.label));
  byId("fill").textContent = share === null ? `Violet: pixels that were masked ${index.fill_words}.` : "";
  byId("curve").replaceChildren(curveKey(QUANTITY, ANSWER(slice)), curveChart(curves, {
    size: [340, 170], range: rangeOf([curves]), quantity: QUANTITY,
    now: { order: state.order, step: state.fraction },
  }));
}

function maskedPicture(fraction, share) {
  const map = scene.maps[state.estimator];
  const masked = maskedPixels(map, state.variant, state.order, fraction);
  const table = windowTable(state);
  const hidden = share === null ? NO_GREY : table[Math.round(share * (index.greys - 1))];
  return picture(scene.image, coloursBy(scene.image.pixels, table,
    (grey, pixel) => (masked[pixel] ? hidden : grey)));
}
