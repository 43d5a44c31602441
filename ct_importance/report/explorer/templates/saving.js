// What leaves the page: its address, and what is shown as a picture.

async function copyLink() {
  writeAddress();
  try {
    await navigator.clipboard.writeText(location.href);
    tell("Link copied.");
  } catch {
    prompt("The address of what is shown:", location.href);
  }
}

function tell(text) {
  byId("live").textContent = text;
  byId("told").textContent = text;
  setTimeout(() => { byId("told").textContent = ""; }, 3000);
}

function download(blob, name) {
  const link = element("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

const fileName = (kind) => `${index.run}_${state.slice.slice(-24)}`.replace(/[^\w.-]+/g, "_") + `.${kind}`;

/** The tiles as they stand, with their titles and what they show, as one picture. */
function stagePicture() {
  const stage = byId("stage");
  const box = stage.getBoundingClientRect();
  const [line, ratio] = [20, 2];
  const lines = [
    `${index.run}: slice ${state.slice}, ${answerText(index.slices[current()])}`,
    `${state.variant} importance, strongest ${state.top} % of the pixels, opacity ${state.opacity} %; colours end at `
      + (state.scale === "map" ? "the 99.5th percentile of each map" : "one value per estimator"),
  ];
  const canvas = element("canvas", { width: box.width * ratio, height: (box.height + line * 2.5) * ratio });
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  const style = getComputedStyle(document.body);
  context.fillStyle = style.backgroundColor;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = style.color;
  context.font = `14px ${style.fontFamily}`;
  for (const tile of stage.children) {
    const view = tile.querySelector("canvas");
    const at = view.getBoundingClientRect();
    context.drawImage(view, at.left - box.left, at.top - box.top, at.width, at.height);
    const texts = [tile.querySelector(".title"), tile.querySelector(".score")].map((one) => one.textContent);
    texts.forEach((text, i) =>
      context.fillText(text, at.left - box.left, at.bottom - box.top + 16 + 17 * i, at.width));
  }
  lines.forEach((text, i) => context.fillText(text, 0, box.height + line * (i + 1), box.width));
  return canvas;
}

const savePicture = () => stagePicture().toBlob((blob) => download(blob, fileName("png")));

/** The curves as a drawing that keeps its colours elsewhere. */
function curvesDrawing() {
  const charts = [...byId("curves").querySelectorAll("figure")];
  const [width, height, columns] = [230, 150, 4];
  const rows = Math.ceil(charts.length / columns);
  const whole = svgElement("svg", { xmlns: "http://www.w3.org/2000/svg", viewBox: `0 0 ${columns * width} ${rows * height}`, "font-family": "sans-serif" });
  charts.forEach((figure, i) => {
    const group = svgElement("g", { transform: `translate(${(i % columns) * width} ${Math.floor(i / columns) * height})` });
    group.append(svgElement("text", { x: 4, y: 14, "font-size": 12 }, figure.querySelector("figcaption").textContent));
    const chart = svgElement("g", { transform: "translate(0 20)" });
    for (const part of figure.querySelector("svg").children) chart.append(styled(part));
    group.append(chart);
    whole.append(group);
  });
  return new XMLSerializer().serializeToString(whole);
}

function styled(part) {
  const copy = part.cloneNode(true);
  const style = getComputedStyle(part);
  for (const name of ["stroke", "fill", "stroke-width", "stroke-dasharray", "font-size"]) {
    copy.setAttribute(name, style.getPropertyValue(name));
  }
  return copy;
}

const saveCurves = () => download(new Blob([curvesDrawing()], { type: "image/svg+xml" }), fileName("svg"));
