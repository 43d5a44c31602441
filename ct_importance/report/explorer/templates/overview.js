// Slices among each other: those of the series, all that are listed, and their scores.

/** Places of the slices of the same series, from the feet to the head. */
function seriesOf(slice) {
  if (slice.series === null) return [placeOf.get(slice.slice_id)];
  return [...index.slices.keys()].filter((place) => index.slices[place].series === slice.series)
    .sort(anatomically);
}

function sliceText(place) {
  const slice = index.slices[place];
  const score = METRICS.length && scoreOf(slice, state.metric, state.estimator, state.variant);
  const parts = [
    tail(slice.patient_id), CLASSES[slice.label], verdict(answerOf(slice).correct), positionText(slice),
    METRICS.length && score !== undefined && `${metricOf[state.metric].title} ${scoreText(state.metric, score)}`,
  ];
  return parts.filter(Boolean).join(" · ");
}

function thumbnail(place, pictures, text) {
  const button = element("button", { type: "button", className: "thumbnail", title: sliceText(place) });
  const isCurrent = place === current();
  // One stop of the keyboard for all: arrow keys go from slice to slice.
  button.tabIndex = isCurrent ? 0 : -1;
  if (isCurrent) button.setAttribute("aria-current", "true");
  button.setAttribute("aria-label", sliceText(place));
  const [height, width] = index.size;
  button.append(element("img", {
    src: `data:image/webp;base64,${pictures[place]}`, alt: "", loading: "lazy", width: 64,
    height: Math.round(64 * height / width),
  }), element("span", {}, text));
  if (!answerOf(index.slices[place]).correct) button.classList.add("miss");
  button.addEventListener("click", () => update({ slice: index.slices[place].slice_id }));
  return button;
}

/** Put new thumbnails into a holder; the focus stays on that of the present slice. */
function fillStrip(holder, places, pictures, textOf) {
  const hadFocus = holder.contains(document.activeElement);
  holder.replaceChildren(...places.map((place) => thumbnail(place, pictures, textOf(place))));
  const chosen = holder.querySelector('[aria-current="true"]');
  if (hadFocus) chosen?.focus({ preventScroll: true });
  if (chosen) holder.scrollTo({ left: chosen.offsetLeft - holder.clientWidth / 2, top: chosen.offsetTop - holder.clientHeight / 2 });
}

async function showOverview(slice, isCurrent) {
  const pictures = await thumbnails();
  if (!isCurrent()) return;
  const series = seriesOf(slice);
  byId("series-section").hidden = series.length < 2;
  fillStrip(byId("series"), series, pictures, (place) => positionText(index.slices[place]));
  if (byId("overview").open) {
    const text = (place) => (METRICS.length ? scoreText(state.metric,
      scoreOf(index.slices[place], state.metric, state.estimator, state.variant)) : "");
    fillStrip(byId("gallery"), listed, pictures, text);
    showScatter();
  }
}

function showScatter() {
  const scores = (place) => [state.metric, state.against].map((metric) =>
    scoreOf(index.slices[place], metric, state.estimator, state.variant));
  const points = listed.map((place) => [place, ...scores(place)])
    .filter(([, x, y]) => x !== undefined && y !== undefined)
    .map(([place, x, y]) => ({ place, x, y, isWrong: !answerOf(index.slices[place]).correct, text: sliceText(place) }));
  const axes = [state.metric, state.against].map((metric) => metric && metricOf[metric].title);
  byId("scatter").replaceChildren(points.length
    ? scatterChart(points, axes, current(), (place) => update({ slice: index.slices[place].slice_id }))
    : element("p", { className: "note" }, "No slice of this choice has both scores."));
  byId("scatter-note").textContent = `${titles[state.estimator]}, ${state.variant}; ○ correct, × wrong; `
    + `${points.length} of ${listed.length} slices have both scores.`;
}
