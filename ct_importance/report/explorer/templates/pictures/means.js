// Mean maps of each class, over the mean slice: what the maps of many patients have in common.

const CHANCE = 0.5; // the mean rank of a pixel by a map that knows nothing
const meansOf = () => remembered("means", () => dataOf("means"));
/** A mean rank or grey, of bytes of which 0 is nothing. */
const shareOf = (byte) => (byte - 1) / 254;

/** Show them, once they are asked for, and again where something that they depend on has changed. */
async function showMeans(isCurrent) {
  const holder = byId("mean-maps");
  if (!holder.open) return;
  const key = ["variant", "level", "width", "opacity", "estimator"].map((name) => state[name]).join(" ");
  if (holder.dataset.key === key) return;
  const classes = await meansOf();
  const groups = await Promise.all([["slice", "Mean slice"], ...names.map((name) => [name, titles[name]])]
    .map(async ([name, title]) => meanGroup(name, title, await Promise.all(classes.map((of) => meanPicture(of, name))))));
  if (!isCurrent()) return;
  holder.dataset.key = key;
  const focused = holder.querySelector(":focus")?.textContent;
  byId("means-grid").replaceChildren(...groups);
  [...byId("means-grid").querySelectorAll("button")].find((button) => button.textContent === focused)?.focus();
  byId("means-note").textContent = `Test slices, by the class that the classifier answers with: ${classes.map(
    ({ label, slices }) => `${CLASSES[label]} ${slices}`).join(", ")}. Bodies were moved and stretched so that the boxes around them agree. `
    + "Each map counts as the ranks of its pixels, so that no slice outweighs others: 0.5 is the mean of a map that knows nothing, "
    + "1 a pixel that is the most important one in every slice.";
  drawScale(byId("means-scale"), { limit: 1, signed: false, table: colourTables.sequential }, `mean rank of the ${state.variant} importance`);
  byId("means-scale").querySelectorAll(".ticks span").forEach((tick, i) => { tick.textContent = ["≤ 0.5", "1"][i]; });
}

/** The images of a class: the mean slice, and a map over it if it is not the slice itself. */
async function meanPicture(of, name) {
  const { images } = of;
  const map = name !== "slice" && (images[`${name} ${state.variant}`] ?? images[`${name} original`]);
  const [slice, ranks] = await Promise.all([decodeImage(images.slice), map && decodeImage(map)]);
  return { of, slice, ranks };
}

function meanGroup(name, title, pictures) {
  const group = element("figure", { className: `means${name === state.estimator ? " chosen" : ""}` });
  group.dataset.name = name;
  const caption = element("figcaption");
  const isMap = name !== "slice";
  const head = element(isMap ? "button" : "span", isMap ? { type: "button" } : {}, title);
  if (isMap) {
    head.setAttribute("aria-pressed", name === state.estimator);
    head.addEventListener("click", () => update({ estimator: name }));
  }
  caption.append(head);
  const row = element("div", { className: "row" });
  row.append(...pictures.map((one) => meanTile(one, title)));
  group.append(caption, row);
  return group;
}

function meanTile({ of, slice, ranks }, title) {
  const { width, height } = slice;
  const tile = element("div");
  const canvas = element("canvas", { width, height, className: "mean" });
  const context = canvas.getContext("2d");
  const greys = windowShares();
  context.drawImage(picture(slice, coloursBy(slice.pixels, greys)), 0, 0);
  const highest = ranks && ranks.pixels.reduce((most, byte) => Math.max(most, byte), 0);
  if (ranks) context.drawImage(picture(ranks, coloursBy(ranks.pixels, meanColours())), 0, 0);
  const text = `${CLASSES[of.label]}${ranks ? `, up to ${shareOf(highest).toFixed(2)}` : `, ${of.slices} slices`}`;
  canvas.setAttribute("role", "img");
  describe(canvas, `${title}, ${ranks ? "mean map" : "mean"} of the slices answered with ${text}`);
  tile.append(canvas, element("p", { className: "note" }, text));
  return tile;
}

/** The colour of every grey of the mean slice, as the window has it. */
function windowShares() {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    const share = (LOW + shareOf(byte) * (HIGH - LOW) - state.level) / state.width + 0.5;
    return byte === 0 ? GREYS[0] : GREYS[Math.round(255 * Math.min(1, Math.max(0, share)))];
  });
}

/** The colour of every mean rank: none by chance, and the more the higher. */
function meanColours() {
  const shares = Float32Array.from({ length: 256 }, (_, byte) => Math.max(0, shareOf(byte) - CHANCE) / (1 - CHANCE));
  const colours = scaleColours(shares, { limit: 1, signed: false, table: colourTables.sequential });
  return colours.map((colour, byte) => (colour & 0xffffff) + Math.round(2.55 * state.opacity * shares[byte]) * 2 ** 24);
}
