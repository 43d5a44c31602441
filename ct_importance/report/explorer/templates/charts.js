// Charts: the answer as pixels are masked, and the scores of slices against each other.

/** The ends of several curves, with 0 among them. */
function rangeOf(several) {
  const values = several.flatMap(({ mif, lif }) => [...mif, ...lif]);
  return [Math.min(0, ...values), Math.max(0, ...values)];
}

/**
 * A quantity, above 0 where the answer is a class, as pixels are masked.
 * `size`: width and height; `range`: of the quantity; `now`: order and step that are marked, or null.
 */
function curveChart(curves, { size, range, now, quantity }) {
  const { fractions } = index;
  const { chart, x, y } = curveFrame(size, range);
  chart.setAttribute("aria-label", curveText(curves, quantity));
  for (const name of ["lif", "mif"]) {
    const points = curves[name].map((value, i) => `${x(fractions[i])},${y(value)}`).join(" ");
    chart.append(svgElement("polyline", { class: name, points }));
  }
  if (now) {
    chart.append(svgElement("circle",
      { class: now.order, cx: x(fractions[now.step]), cy: y(curves[now.order][now.step]), r: 4.5 }));
  }
  return chart;
}

/** An empty chart, and where a fraction and a value of its quantity lie in it. */
function curveFrame([width, height], [low, high]) {
  const [left, bottom] = [34, 18];
  const x = (fraction) => left + (width - left - 8) * fraction;
  const y = (value) => 8 + (height - bottom - 8) * (1 - (value - low) / (high - low || 1));
  const chart = svgElement("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", class: "curve" });
  chart.append(svgElement("path", { class: "frame", d: `M${x(0)} ${y(high)}V${y(low)}H${x(1)}` }),
    svgElement("path", { class: "zero", d: `M${x(0)} ${y(0)}H${x(1)}` }));
  const tick = (value) => svgElement(
    "text", { x: left - 4, y: y(value) + 4, "text-anchor": "end" }, signedNumber(value, 0));
  const apart = (value) => Math.abs(y(value) - y(0)) > 11;
  chart.append(tick(0), ...[low, high].filter(apart).map(tick));
  for (const [fraction, anchor] of [[0, "start"], [0.5, "middle"], [1, "end"]]) {
    chart.append(svgElement(
      "text", { x: x(fraction), y: height - 4, "text-anchor": anchor }, `${100 * fraction} %`));
  }
  return { chart, x, y };
}

function curveText({ mif, lif }, quantity) {
  const half = Math.floor(mif.length / 2);
  const of = (value) => signedNumber(value, 1);
  return `${quantity[0].toUpperCase()}${quantity.slice(1)} against the share of masked pixels. `
    + `Unmasked ${of(mif[0])}, all masked ${of(mif.at(-1))}; half masked ${of(mif[half])} most important `
    + `first, ${of(lif[half])} least important first.`;
}

const MARKS = 5; // lines of a chart that can be told apart

/** One line per estimator, `curves` being pairs of name and curves; those that are not marked are grey. */
function togetherChart(curves, { size, range, marked, order }) {
  const { chart, x, y } = curveFrame(size, range);
  const rank = (name) => marked.indexOf(name);
  const depth = ([name]) => (rank(name) < 0 ? MARKS : rank(name));
  chart.setAttribute("aria-label", togetherText(curves, marked, order));
  // Those that are marked lie over the others, the first of them on top.
  for (const [name, of] of [...curves].sort((one, other) => depth(other) - depth(one))) {
    const points = of[order].map((value, i) => `${x(index.fractions[i])},${y(value)}`).join(" ");
    const line = svgElement("polyline", { class: rank(name) < 0 ? "other" : `mark mark${rank(name)}`, points });
    line.append(svgElement("title", {}, titles[name]));
    line.addEventListener("click", () => update({ estimator: name }));
    chart.append(line);
  }
  return chart;
}

function togetherText(curves, marked, order) {
  const half = (of) => of[order][Math.floor(of[order].length / 2)];
  const ends = [Math.min, Math.max].map((end) => signedNumber(end(...curves.map(([, of]) => half(of))), 1));
  const told = curves.filter(([name]) => marked.includes(name)).map(([name, of]) => `${titles[name]} ${signedNumber(half(of), 1)}`);
  return `Lines of ${curves.length} estimators. With half of the pixels masked they lie from ${ends[0]} to ${ends[1]}: ${told.join(", ")}`;
}

function togetherKey(marked, text) {
  const key = element("p", { className: "key" });
  key.append(...marked.map((name, rank) => keyEntry(`mark mark${rank}`, titles[name])),
    keyEntry("other", "all others"), element("span", {}, `y: ${text}. x: masked pixels`));
  return key;
}

function keyEntry(kind, text) {
  const line = svgElement("svg", { viewBox: "0 0 32 8", "aria-hidden": "true", class: "curve" });
  line.append(svgElement("path", { class: kind, d: "M0 4H32" }));
  const entry = element("span");
  entry.append(line, text);
  return entry;
}

/** What the lines and the heights of these charts mean. */
function curveKey(quantity, answer) {
  const key = element("p", { className: "key" });
  key.append(keyEntry("mif", "most important first"), keyEntry("lif", "least important first"));
  key.append(element("span", {}, `y: ${quantity}; above 0 the answer is ${answer}. x: masked pixels`));
  return key;
}

/**
 * Points of slices by two scores. `points`: x, y, place, isWrong; `axes`: titles; `chosen`: a place.
 * Whoever cannot see it finds the scores in the list of slices, so points are no stops of the keyboard.
 */
function scatterChart(points, axes, chosen, choose) {
  const [width, height, left, bottom] = [480, 300, 56, 40];
  const [xs, ys] = [points.map((point) => point.x), points.map((point) => point.y)];
  const scaled = (values, from, to) => {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return (value) => from + (to - from) * (high > low ? (value - low) / (high - low) : 0.5);
  };
  const [x, y] = [scaled(xs, left + 12, width - 14), scaled(ys, height - bottom - 10, 14)];
  const chart = svgElement("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", class: "scatter" });
  chart.setAttribute("aria-label", `${points.length} slices by ${axes[0]} and ${axes[1]}`);
  chart.append(svgElement("path", { class: "frame", d: `M${left} 8V${height - bottom}H${width - 6}` }));
  for (const [value, anchor] of [[Math.min(...xs), "start"], [Math.max(...xs), "end"]]) {
    chart.append(svgElement(
      "text", { x: x(value), y: height - 22, "text-anchor": anchor }, shortNumber(value)));
  }
  for (const value of [Math.min(...ys), Math.max(...ys)]) {
    chart.append(svgElement(
      "text", { x: left - 5, y: y(value) + 4, "text-anchor": "end" }, shortNumber(value)));
  }
  const middle = (8 + height - bottom) / 2;
  chart.append(
    svgElement("text", { x: (left + width) / 2, y: height - 5, "text-anchor": "middle" }, axes[0]),
    svgElement("text", { transform: `translate(12 ${middle}) rotate(-90)`, "text-anchor": "middle" }, axes[1]));
  for (const point of [...points].sort((a, b) => (a.place === chosen) - (b.place === chosen))) {
    chart.append(scatterPoint(point, x(point.x), y(point.y), point.place === chosen, choose));
  }
  return chart;
}

function scatterPoint({ place, isWrong, text }, x, y, isChosen, choose) {
  const d = isWrong ? `M${x - 4} ${y - 4}l8 8m0 -8l-8 8` : `M${x - 4.5} ${y}a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0`;
  const kind = `point ${isWrong ? "miss" : "hit"}${isChosen ? " chosen" : ""}`;
  const made = svgElement("path", { class: kind, d });
  made.append(svgElement("title", {}, text));
  made.addEventListener("click", () => choose(place));
  return made;
}
