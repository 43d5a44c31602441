// Canvases, colour scales and the curve.

const LARGE = 480;
const OUTLINE = "#e69f00";

// Colours of pixels are numbers as a canvas stores them: bytes red, green, blue, alpha.
const colourOf = (red, green, blue) => (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;
const GREYS = Uint32Array.from({ length: 256 }, (_, grey) => colourOf(grey, grey, grey));

/** Draw an image of colours onto a canvas, in sharp pixels, at least `large` wide or high. */
function drawColours(canvas, { width, height }, colours, large = LARGE) {
  const small = new OffscreenCanvas(width, height);
  const data = new ImageData(new Uint8ClampedArray(colours.buffer), width, height);
  small.getContext("2d").putImageData(data, 0, 0);
  const zoom = Math.max(1, Math.ceil(large / Math.max(width, height)));
  canvas.width = width * zoom;
  canvas.height = height * zoom;
  const target = canvas.getContext("2d");
  target.imageSmoothingEnabled = false;
  target.drawImage(small, 0, 0, canvas.width, canvas.height);
}

/** The colours of pixels by a table, which `choose` may overrule by place. */
function coloursBy(pixels, table, choose = (colour) => colour) {
  const colours = new Uint32Array(pixels.length);
  for (let place = 0; place < pixels.length; place += 1) {
    colours[place] = choose(table[pixels[place]], place);
  }
  return colours;
}

/** Draw the edge of a mask over what a canvas shows. */
function drawOutline(canvas, { width, height, pixels }) {
  const context = canvas.getContext("2d");
  const zoom = canvas.width / width;
  const inside = (x, y) => x >= 0 && y >= 0 && x < width && y < height && pixels[y * width + x] > 127;
  const path = new Path2D();
  for (let y = 0; y <= height; y += 1) {
    for (let x = 0; x <= width; x += 1) {
      if (inside(x, y) !== inside(x - 1, y)) {
        path.moveTo(x * zoom, y * zoom);
        path.lineTo(x * zoom, (y + 1) * zoom);
      }
      if (inside(x, y) !== inside(x, y - 1)) {
        path.moveTo(x * zoom, y * zoom);
        path.lineTo((x + 1) * zoom, y * zoom);
      }
    }
  }
  context.lineCap = "square";
  for (const [style, lineWidth] of [["#000000", 4], [OUTLINE, 2]]) {
    context.strokeStyle = style;
    context.lineWidth = lineWidth;
    context.stroke(path);
  }
}

/** The colours of values on a scale: of two signs around 0, or of one from 0 up. */
function scaleColours(values, { table, limit, signed }) {
  return Uint32Array.from(values, (value) => {
    const share = signed ? (value / limit + 1) / 2 : value / limit;
    const entry = 3 * Math.round(255 * Math.min(1, Math.max(0, share)));
    return colourOf(table[entry], table[entry + 1], table[entry + 2]);
  });
}

/** Show the colours of a scale and the importance they stand for. */
function drawScale(holder, scale, note) {
  const { limit, signed } = scale;
  const canvas = document.createElement("canvas");
  const shares = Array.from({ length: 256 }, (_, i) => (signed ? i / 127.5 - 1 : i / 255));
  const values = shares.map((share) => share * limit);
  drawColours(canvas, { width: 256, height: 1 }, scaleColours(values, scale), 0);
  const end = shortNumber(limit);
  const labels = signed ? [`≤ −${end}`, "0", `≥ ${end}`] : ["0", `≥ ${end}`];
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `Colours of importance from ${labels[0]} to ${labels.at(-1)}`);
  const ticks = element("div", { className: "ticks", ariaHidden: "true" });
  ticks.append(...labels.map((text) => element("span", {}, text)));
  holder.replaceChildren(canvas, ticks, element("p", {}, note));
}

const element = (name, properties = {}, text = "") =>
  Object.assign(document.createElement(name), properties, text === "" ? {} : { textContent: text });

function svgElement(name, attributes, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

const signedNumber = (value, decimals) => {
  const text = value.toFixed(decimals);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
};

const shortNumber = (value) => {
  const size = Math.abs(value);
  return size >= 0.01 && size < 1000
    ? String(Number(value.toPrecision(2)))
    : value.toExponential(1).replace("-", "−").replace("+", "");
};

/** Draw a quantity, above 0 where the answer is a class, as pixels are masked; with the present point. */
function drawCurve(holder, fractions, curves, order, step, quantity, name) {
  const [width, height, left, bottom] = [300, 130, 34, 28];
  const all = [0, ...curves.mif, ...curves.lif];
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const x = (fraction) => left + (width - left - 8) * fraction;
  const y = (logit) => 8 + (height - bottom - 8) * (1 - (logit - low) / (high - low || 1));
  const chart = svgElement("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
  const end = (name) => signedNumber(curves[name].at(-1), 1);
  chart.setAttribute("aria-label", `${quantity[0].toUpperCase()}${quantity.slice(1)} against the share of masked pixels. Unmasked `
    + `${signedNumber(curves.mif[0], 1)}, all masked ${end("mif")}; half masked `
    + `${signedNumber(curves.mif[Math.floor(fractions.length / 2)], 1)} most important first, `
    + `${signedNumber(curves.lif[Math.floor(fractions.length / 2)], 1)} least important first.`);
  const frame = `M${x(0)} ${y(high)}V${y(low)}H${x(1)}`;
  chart.append(svgElement("path", { class: "frame", d: frame }));
  chart.append(svgElement("path", { class: "zero", d: `M${x(0)} ${y(0)}H${x(1)}` }));
  const tick = (logit) => svgElement(
    "text", { x: left - 4, y: y(logit) + 4, "text-anchor": "end" }, signedNumber(logit, 0));
  const apart = (logit) => Math.abs(y(logit) - y(0)) > 11;
  chart.append(tick(0), ...[low, high].filter(apart).map(tick));
  for (const [fraction, anchor] of [[0, "start"], [0.5, "middle"], [1, "end"]]) {
    chart.append(svgElement(
      "text", { x: x(fraction), y: height - 14, "text-anchor": anchor }, `${100 * fraction} %`));
  }
  chart.append(svgElement(
    "text", { x: x(0.5), y: height - 1, "text-anchor": "middle" }, "masked pixels"));
  for (const name of ["lif", "mif"]) {
    const points = curves[name].map((logit, i) => `${x(fractions[i])},${y(logit)}`).join(" ");
    chart.append(svgElement("polyline", { class: name, points }));
  }
  chart.append(svgElement(
    "circle", { class: order, cx: x(fractions[step]), cy: y(curves[order][step]), r: 4.5 }));
  holder.replaceChildren(curveKey(quantity, name), chart);
}

function curveKey(quantity, answer) {
  const key = element("div", { className: "key" });
  for (const [name, text] of [["mif", "most important first"], ["lif", "least important first"]]) {
    const line = svgElement("svg", { viewBox: "0 0 32 8", "aria-hidden": "true" });
    line.append(svgElement("path", { class: name, d: "M0 4H32" }));
    const entry = element("span");
    entry.append(line, text);
    key.append(entry);
  }
  const unit = element("span", {}, `y: ${quantity}; above 0 the answer is ${answer}`);
  key.append(unit);
  return key;
}
