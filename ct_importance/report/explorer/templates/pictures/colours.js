// Colours of grey values and of importance. As a canvas stores them: bytes red, green, blue, alpha.

const OUTLINE = "#00e5ff"; // seen on grey, on inferno and on red to blue
const colourTables = Object.fromEntries(
  Object.entries(index.colours).map(([name, table]) => [name, bytesOf(table)]));
const colourOf = (red, green, blue) => (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;
const GREYS = Uint32Array.from({ length: 256 }, (_, grey) => colourOf(grey, grey, grey));
const NO_GREY = colourOf(110, 70, 140); // marks pixels that were filled with no one grey

const WINDOWS = [
  { title: "as the classifier sees it", ...FULL_WINDOW },
  { title: "mediastinum", level: 50, width: 350 }, { title: "lung", level: -600, width: 1500 },
  { title: "bone", level: 400, width: 1800 }, { title: "abdomen", level: 40, width: 400 },
  { title: "liver", level: 90, width: 150 }, { title: "angiography", level: 200, width: 600 },
];

/** Of the presets those that show something of what was kept: a narrower part of the HU window. */
const PRESETS = WINDOWS.filter(({ title, level, width }, i) => i === 0
  || (level - width / 2 < HIGH && level + width / 2 > LOW && level >= LOW && level <= HIGH
    && width <= HIGH - LOW && title));

/** The place of the preset that is set, -1 if none is. */
const presetNow = () => PRESETS.findIndex(({ level, width }) => level === state.level && width === state.width);

/** The colour of every grey value, by level and width in HU. */
function windowTable({ level, width }) {
  return Uint32Array.from({ length: index.greys }, (_, grey) => {
    const share = (hounsfieldOf(grey) - level) / width + 0.5;
    return GREYS[Math.round(255 * Math.min(1, Math.max(0, share)))];
  });
}

/** The colours of pixels by a table, which `choose` may overrule by place. */
function coloursBy(pixels, table, choose = (colour) => colour) {
  const colours = new Uint32Array(pixels.length);
  for (let place = 0; place < pixels.length; place += 1) {
    colours[place] = choose(table[pixels[place]], place);
  }
  return colours;
}

/** An image of colours as a canvas, a pixel each. */
function picture({ width, height }, colours) {
  const canvas = new OffscreenCanvas(width, height);
  const data = new ImageData(new Uint8ClampedArray(colours.buffer), width, height);
  canvas.getContext("2d").putImageData(data, 0, 0);
  return canvas;
}

/** The edge of a mask, in pixels of the slice. */
function outlineOf({ width, height, pixels }) {
  const inside = (x, y) => x >= 0 && y >= 0 && x < width && y < height && pixels[y * width + x] > 127;
  const path = new Path2D();
  for (let y = 0; y <= height; y += 1) {
    for (let x = 0; x <= width; x += 1) {
      if (inside(x, y) !== inside(x - 1, y)) {
        path.moveTo(x, y);
        path.lineTo(x, y + 1);
      }
      if (inside(x, y) !== inside(x, y - 1)) {
        path.moveTo(x, y);
        path.lineTo(x + 1, y);
      }
    }
  }
  return path;
}

/** How a variant of a map is coloured: table, end of the scale, whether of two signs. */
function colouring(variant, values, limit) {
  const signed = variant === "original" && values[0] < 0;
  return { signed, table: colourTables[signed ? "diverging" : "sequential"], limit };
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
  const shares = Array.from({ length: 256 }, (_, i) => (signed ? i / 127.5 - 1 : i / 255));
  const colours = scaleColours(shares.map((share) => share * limit), scale);
  const canvas = element("canvas", { width: 256, height: 1 });
  canvas.getContext("2d").drawImage(picture({ width: 256, height: 1 }, colours), 0, 0);
  const end = shortNumber(limit);
  const labels = signed ? [`≤ −${end}`, "0", `≥ ${end}`] : ["0", `≥ ${end}`];
  canvas.setAttribute("role", "img");
  describe(canvas, `Colours of importance from ${labels[0]} to ${labels.at(-1)}`);
  const ticks = element("div", { className: "ticks", ariaHidden: "true" });
  ticks.append(...labels.map((text) => element("span", {}, text)));
  holder.replaceChildren(canvas, ticks, element("p", {}, note));
}
