// Pointers on the pictures: point, click, drag, pinch, wheel.

/** A place on a picture, in shares of the sides of the slice, below a place on the screen. */
function pointAt({ target, clientX, clientY }) {
  const box = target.getBoundingClientRect();
  const [left, top] = corner();
  return [left / scene.width + (clientX - box.left) / box.width / state.zoom,
    top / scene.height + (clientY - box.top) / box.height / state.zoom];
}

function pixelAt(event) {
  const [x, y] = pointAt(event);
  const within = (share, side) => Math.min(side - 1, Math.max(0, Math.floor(share * side)));
  return [within(x, scene.width), within(y, scene.height)];
}

const down = new Map(); // where the pointers are that are down on one picture, by id
let hasMoved = false; // since the first of them went down

function onPointer(event) {
  if (!scene || !event.target.matches?.("canvas.view")) return;
  const { type, pointerId, target, clientX, clientY } = event;
  if (type === "pointerdown" && event.button === 0) {
    if ([...down.values()].some((other) => other.target !== target)) return;
    hasMoved = down.size > 0;
    down.set(pointerId, { target, clientX, clientY });
    target.setPointerCapture(pointerId);
  } else if (type === "pointermove") {
    if (down.size === 2) pinchBy(event);
    else if (down.has(pointerId)) dragBy(event);
    pointed = down.size > 1 ? null : pixelAt(event);
    drawViews();
  } else if (type === "pointerup" && down.delete(pointerId)) {
    if (!hasMoved) togglePinned(pixelAt(event));
  }
}

function dragBy(event) {
  const from = down.get(event.pointerId);
  const [across, along] = [event.clientX - from.clientX, event.clientY - from.clientY];
  if (!hasMoved && Math.hypot(across, along) < 4) return;
  hasMoved = true;
  Object.assign(from, { clientX: event.clientX, clientY: event.clientY });
  if (event.shiftKey) {
    const step = (HIGH - LOW) / 400;
    update({ width: Math.max(1, Math.min(HIGH - LOW, state.width + across * step)),
      level: Math.min(HIGH, Math.max(LOW, state.level + along * step)) });
  } else {
    const { width, height } = event.target.getBoundingClientRect();
    look(inView([state.x - across / width / state.zoom, state.y - along / height / state.zoom]));
  }
}

/** Two fingers zoom and move: what was between them stays between them. */
function pinchBy({ pointerId, clientX, clientY }) {
  const moved = down.get(pointerId);
  if (!moved) return;
  const { target } = moved;
  const [other] = [...down.values()].filter((one) => one !== moved);
  const between = () => ({ target, clientX: (moved.clientX + other.clientX) / 2, clientY: (moved.clientY + other.clientY) / 2 });
  const apart = () => Math.max(1, Math.hypot(moved.clientX - other.clientX, moved.clientY - other.clientY));
  const [held, distance] = [pointAt(between()), apart()];
  Object.assign(moved, { clientX, clientY });
  zoomBy(apart() / distance, held);
  const now = pointAt(between());
  look(inView([state.x + held[0] - now[0], state.y + held[1] - now[1]]));
}

function togglePinned(pixel) {
  const cross = pixel.join();
  look({ cross: cross === state.cross ? "" : cross });
}

function leavePointer() {
  if (!pointed) return;
  pointed = null;
  drawViews();
}

function onWheel(event) {
  if (!scene || !event.target.matches?.("canvas.view") || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  zoomBy(2 ** (-event.deltaY / 200), pointAt(event));
}

function connectPointers() {
  for (const kind of ["pointerdown", "pointermove", "pointerup"]) addEventListener(kind, onPointer);
  addEventListener("pointerout", (event) => { if (event.target.matches?.("canvas.view")) leavePointer(); });
  addEventListener("pointercancel", ({ pointerId }) => { down.delete(pointerId); leavePointer(); });
  // Two fingers on a picture are not for the browser: it would zoom or scroll the page.
  addEventListener("touchmove", (event) => {
    if (event.touches.length > 1 && event.target.matches?.("canvas.view")) event.preventDefault();
  }, { passive: false });
  addEventListener("wheel", onWheel, { passive: false });
  addEventListener("dblclick", (event) => {
    if (scene && event.target.matches?.("canvas.view")) zoomBy(2, pointAt(event));
  });
  new ResizeObserver(drawViews).observe(document.body);
}
