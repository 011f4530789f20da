// Reading a chart: by pointer, by touch or with the arrow keys. The words come from the table beside the picture,
// so picture, legend and table cannot disagree. The legend shows the column's values while one is read.

const plotOf = (event) => event.target.closest?.("[data-chart] .plot");

function parts(plot) {
  const figure = plot.closest("[data-chart]");
  const svg = [...plot.querySelectorAll("svg")].find((one) => one.getBoundingClientRect().width > 0);
  return { figure, svg, rows: figure.querySelectorAll("tbody tr"), total: figure.querySelector("tfoot tr") };
}

function read(plot, index, aloud) {
  const { figure, svg, rows, total } = parts(plot);
  if (!svg || !rows.length) return;
  const at = Math.max(0, Math.min(rows.length - 1, index));
  plot.dataset.at = at;
  plot.classList.add("is-read");
  const { left, right } = svg.dataset;
  const pitch = (right - left) / rows.length;
  const cursor = svg.querySelector(".cursor");
  cursor.setAttribute("x", Number(left) + pitch * at);
  cursor.setAttribute("width", pitch);
  cursor.setAttribute("height", cursor.dataset.bottom - cursor.getAttribute("y"));
  show(figure, rows[at], rows[at].cells[0].textContent);
  if (aloud) figure.querySelector("[data-reading]").textContent = sentence(figure, rows[at], total);
}

function rest(plot) {
  const { figure, total } = parts(plot);
  plot.classList.remove("is-read");
  delete plot.dataset.at;
  for (const cursor of plot.querySelectorAll(".cursor")) cursor.setAttribute("width", 0);
  const label = figure.querySelector("[data-reading-label]");
  show(figure, total, label.dataset.rest ?? label.textContent);
}

function show(figure, row, name) {
  const label = figure.querySelector("[data-reading-label]");
  label.dataset.rest ??= label.textContent;
  label.textContent = name;
  const cells = [...row.cells];
  figure.querySelector("[data-reading-total]").textContent = cells.at(-1).textContent;
  figure.querySelectorAll(".legend [data-figure]").forEach((node, n) => (node.textContent = cells[n + 1].textContent || "0"));
}

function sentence(figure, row, total) {
  const names = [...figure.querySelectorAll("thead th")].slice(1).map((cell) => cell.textContent.trim());
  const values = [...row.cells].slice(1).map((cell) => cell.textContent.trim());
  const said = names.map((name, n) => (values[n] ? `${name} ${values[n]}` : "")).filter(Boolean);
  return `${row.cells[0].textContent.trim()}: ${said.reverse().join("; ") || "nothing"}`;
}

function columnUnder(plot, event) {
  const { svg, rows } = parts(plot);
  if (!svg) return -1;
  const box = svg.getBoundingClientRect();
  const x = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
  const { left, right } = svg.dataset;
  return x < left || x > right ? -1 : Math.floor(((x - left) / (right - left)) * rows.length);
}

document.addEventListener("pointermove", (event) => {
  const plot = plotOf(event);
  if (!plot) return;
  const column = columnUnder(plot, event);
  if (column >= 0) read(plot, column, false);
});

document.addEventListener("pointerout", (event) => {
  const plot = plotOf(event);
  if (plot && !plot.contains(event.relatedTarget) && document.activeElement !== plot) rest(plot);
});

document.addEventListener("focusout", (event) => {
  const plot = plotOf(event);
  if (plot) rest(plot);
});

document.addEventListener("keydown", (event) => {
  const plot = plotOf(event);
  if (!plot || event.target !== plot) return;
  const count = parts(plot).rows.length;
  const at = plot.dataset.at === undefined ? -1 : Number(plot.dataset.at);
  const next = { ArrowRight: at + 1, ArrowLeft: at < 0 ? count - 1 : at - 1, Home: 0, End: count - 1 }[event.key];
  if (event.key === "Escape") rest(plot);
  if (next === undefined) return;
  event.preventDefault();
  read(plot, next, true);
});
