// The loss curves of one run with Chart.js: training thin, kept-aside thick, the best point filled, each named at its
// end. Redraws with the theme and with news of a live run.

const AXES = { step: 0, epoch: 1, seconds: 2 };
const LETTER_PIXELS = 13;
const LABEL_GAP = 12;

// ── data ──────────────────────────────────────────────────────────────────────────────────────────────────────────

// Points are [step, epoch, seconds, train, valid, nats per character]; a new attempt begins the curve anew.
export function mergePoints(old, news) {
  if (old.attempt !== news.attempt) return news;
  const bySteps = new Map([...old.points, ...news.points].map((point) => [point[0], point]));
  const points = [...bySteps.values()].sort((one, other) => one[0] - other[0]);
  return { ...news, points };
}

const xy = (points, axis, column) =>
  points.filter((point) => point[column] !== null).map((point) => ({ x: point[AXES[axis]], y: point[column] }));

export function lowest(points) {
  return points.reduce((best, point, index) => (best < 0 || point.y < points[best].y ? index : best), -1);
}

export function runCurves({ points }, { axis, measure }) {
  const judged = xy(points, axis, measure === "character" ? 5 : 4);
  const aside = { ink: "accent", label: "songs kept aside", short: "aside", points: judged, best: lowest(judged), isThick: true };
  if (measure === "character") return [aside];
  return [{ ink: "faint", label: "songs it learns from", short: "learnt", points: xy(points, axis, 3), best: -1 }, aside];
}

// What counting words comes to on the same songs: a level line over the whole width, null where it has no such measure.
export function baselineCurve({ baseline }, { measure }, end) {
  const level = baseline?.[measure];
  if (level === undefined || level === null) return null;
  return { ink: "soft", label: "counting words", short: "counted", points: [{ x: 0, y: level }, { x: end, y: level }], best: -1, dash: [3, 4] };
}

// ── scales ────────────────────────────────────────────────────────────────────────────────────────────────────────

export function niceTicks(low, high, most) {
  if (!(high > low)) return [low];
  const rough = (high - low) / Math.max(1, most - 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= rough * 0.999);
  const ticks = [];
  for (let tick = Math.ceil(low / step - 1e-9) * step; tick <= high + step * 1e-9; tick += step) ticks.push(+tick.toFixed(10));
  return ticks;
}

export function timeTicks(high, most) {
  const steps = [1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 86400];
  const step = steps.find((size) => high / size <= most) ?? 86400;
  return Array.from({ length: Math.floor(high / step) + 1 }, (_, index) => index * step);
}

// The scale shows what can be compared: the first steps, far above the first look, may leave the picture at its top.
export function verticalRange(curves) {
  const thick = curves.filter((curve) => curve.isThick).flatMap((curve) => curve.points.map((point) => point.y));
  const all = curves.flatMap((curve) => curve.points.map((point) => point.y));
  if (!all.length) return { low: 0, high: 1 };
  const low = Math.min(...all);
  let high = Math.max(...all);
  if (thick.length > 1) high = Math.min(high, Math.max(...thick) + 0.35 * (Math.max(...thick) - low));
  const spread = Math.max(high - low, 0.05);
  return { low: Math.max(0, low - spread * 0.12), high: high + spread * 0.05 };
}

export function axisWords(axis, value) {
  if (axis !== "seconds") return value.toLocaleString("en-GB");
  if (value === 0) return "0";
  if (value < 60) return `${value} s`;
  if (value < 7200) return `${+(value / 60).toFixed(1)} min`;
  return `${+(value / 3600).toFixed(1)} h`;
}

// Heights of the labels: as near to their curves as can be, none on another.
export function spreadLabels(heights, gap) {
  const order = heights.map((height, index) => ({ height, index })).sort((one, other) => one.height - other.height);
  for (let nth = 1; nth < order.length; nth += 1) {
    const above = order[nth - 1];
    const overlap = above.height + gap - order[nth].height;
    if (overlap <= 0) continue;
    if (nth === 1) above.height -= overlap / 2;
    order[nth].height = above.height + gap;
  }
  const spread = [];
  order.forEach(({ height, index }) => { spread[index] = height; });
  return spread;
}

// ── drawing ───────────────────────────────────────────────────────────────────────────────────────────────────────

export function readInks(figure, { getComputedStyle }) {
  const inks = {};
  figure.querySelectorAll(".chart-inks > *").forEach((probe) => {
    inks[probe.dataset.ink] = getComputedStyle(probe).color;
  });
  return inks;
}

function dataset(curve, inks, isCrowded) {
  const isBest = ({ dataIndex }) => dataIndex === curve.best;
  const looks = curve.isThick && !isCrowded ? 3 : 0;
  return {
    label: curve.label,
    data: curve.points,
    borderColor: inks[curve.ink],
    borderWidth: curve.isThick ? 2.25 : 1.25,
    borderDash: curve.dash ?? [],
    borderJoinStyle: "round",
    clip: { left: false, top: 0, right: false, bottom: false },
    pointRadius: (point) => (isBest(point) ? 5 : looks),
    pointHoverRadius: 5,
    pointBorderWidth: 2.25,
    pointBorderColor: inks[curve.ink],
    pointBackgroundColor: (point) => (isBest(point) ? inks[curve.ink] : inks.paper),
  };
}

// What stands at the end of a curve: its name and value, where it was better before the best one; short on narrow paper.
export function endWords(curve, isNarrow) {
  const name = isNarrow && curve.short ? curve.short : curve.label;
  const last = curve.points.length - 1;
  if (curve.best < 0 || curve.best === last) return `${name} ${curve.points[last].y.toFixed(2)}`;
  return `${name}, best ${curve.points[curve.best].y.toFixed(2)}`;
}

const labelFont = (curve, font) => `${curve.isThick ? 600 : 400} ${font}`;

export function labelWidth(ctx, curves, isNarrow, font) {
  const widths = curves.filter((curve) => curve.points.length).map((curve) => {
    ctx.font = labelFont(curve, font);
    return ctx.measureText(endWords(curve, isNarrow)).width;
  });
  return Math.max(0, ...widths);
}

function nameCurves(chart, curves, { inks, font, isNarrow }) {
  const { ctx, chartArea, scales } = chart;
  const named = curves.filter((curve) => curve.points.length);
  const ends = named.map((curve) => curve.points.at(-1));
  const heights = ends.map(({ y }) => Math.max(scales.y.getPixelForValue(y), chartArea.top));
  const places = spreadLabels(heights, LETTER_PIXELS + 4);
  ctx.save();
  Object.assign(ctx, { textBaseline: "middle", textAlign: "left", lineWidth: 4, lineJoin: "round" });
  named.forEach((curve, index) => {
    const x = scales.x.getPixelForValue(ends[index].x) + LABEL_GAP;
    ctx.font = labelFont(curve, font);
    ctx.strokeStyle = inks.paper;
    ctx.strokeText(endWords(curve, isNarrow), x, places[index]);
    ctx.fillStyle = curve.isThick ? inks[curve.ink === "accent" ? "ink" : curve.ink] : inks.soft;
    ctx.fillText(endWords(curve, isNarrow), x, places[index]);
  });
  ctx.restore();
}

// Where the horizontal scale ends: at what is planned while the run goes on, else at the last point.
export function farEnd(curves, planned = 0) {
  return Math.max(planned, ...curves.flatMap((curve) => curve.points.map((point) => point.x)), 0) || 1;
}

export function chartOptions(curves, { axis, inks, family, isNarrow, room, end }) {
  const { low, high } = verticalRange(curves);
  const font = { family, size: LETTER_PIXELS };
  const across = axis === "seconds" ? timeTicks(end, isNarrow ? 4 : 7) : niceTicks(0, end, isNarrow ? 5 : 7);
  const up = niceTicks(low, high, 5);
  return {
    animation: false,
    maintainAspectRatio: false,
    layout: { padding: { right: room, top: 18 } },
    interaction: { mode: "nearest", axis: "x", intersect: false },
    plugins: {
      legend: { display: false },
      tooltip: {
        backgroundColor: inks.ink, titleColor: inks.paper, bodyColor: inks.paper, displayColors: false,
        titleFont: font, bodyFont: font,
        callbacks: {
          title: (items) => items.length && `${axis === "seconds" ? "after" : axis} ${axisWords(axis, +items[0].parsed.x.toFixed(1))}`,
          label: (item) => `${item.dataset.label}: ${item.parsed.y.toFixed(3)}`,
        },
      },
    },
    scales: {
      x: {
        type: "linear", min: -0.07 * end, max: end,
        grid: { display: false }, border: { color: inks.edge },
        afterBuildTicks: (scale) => { scale.ticks = across.map((value) => ({ value })); },
        ticks: { color: inks.faint, font, maxRotation: 0, autoSkip: false, callback: (value) => axisWords(axis, value) },
      },
      y: {
        type: "linear", min: low, max: high,
        grid: { color: inks.rule, drawTicks: false }, border: { display: false },
        afterBuildTicks: (scale) => { scale.ticks = up.map((value) => ({ value })); },
        ticks: {
          color: inks.faint, font, mirror: true, padding: 0, labelOffset: -10, autoSkip: false,
          callback: (value) => value.toFixed(high - low < 0.5 ? 2 : 1),
        },
      },
    },
  };
}

export class LossChart {
  constructor(figure, data, { Chart, getComputedStyle }) {
    Object.assign(this, { figure, data, Chart, getComputedStyle });
    this.choices = { axis: "epoch", measure: "token" };
    figure.querySelectorAll("[data-chart-switches]").forEach((switches) => { switches.hidden = false; });
    figure.addEventListener("change", ({ target }) => {
      this.choices[target.name] = target.value;
      this.draw();
    });
    this.draw();
  }

  update(news) {
    this.data = mergePoints(this.data, news);
    this.draw();
  }

  draw() {
    const { axis, measure } = this.choices;
    const learnt = runCurves(this.data, this.choices);
    this.figure.hidden = learnt.every((curve) => !curve.points.length);
    if (this.figure.hidden) return;
    const inks = readInks(this.figure, this);
    const family = this.getComputedStyle(this.figure).fontFamily;
    const font = `${LETTER_PIXELS}px ${family}`;
    const canvas = this.figure.querySelector("canvas");
    const width = canvas.parentElement.clientWidth;
    const isNarrow = width < 520;
    const end = farEnd(learnt, this.data.planned?.[axis]);
    const counted = baselineCurve(this.data, this.choices, end);
    const curves = counted ? [counted, ...learnt] : learnt;
    // Names need room at the right, less of it the farther their curves still have to go.
    const label = LABEL_GAP + labelWidth(canvas.getContext("2d"), curves, isNarrow, font);
    const room = Math.min(0.5 * width, Math.max(8, label - 0.9 * width * (1 - farEnd(curves) / end)));
    const isCrowded = curves.some((curve) => curve.isThick && curve.points.length > 40);
    this.sayAxis(axis, measure);
    this.chart?.destroy();
    this.chart = new this.Chart(canvas, {
      type: "line",
      data: { datasets: curves.map((curve) => dataset(curve, inks, isCrowded)) },
      options: chartOptions(curves, { axis, inks, family, isNarrow, room, end }),
      plugins: [{ id: "names", afterDatasetsDraw: (chart) => nameCurves(chart, curves, { inks, font, isNarrow }) }],
    });
  }

  sayAxis(axis, measure) {
    const unit = measure === "token" ? this.figure.dataset.token : "character";
    const by = axis === "seconds" ? "time" : axis;
    this.figure.querySelector("[data-axis-name]").textContent = `nats per ${unit}, by ${by}`;
  }
}

const readJson = (page, id) => JSON.parse(page.getElementById(id)?.textContent ?? "null");

if (globalThis.document) {
  const figure = document.querySelector("[data-loss-chart]");
  const data = readJson(document, "loss-points");
  if (figure && data && globalThis.Chart) {
    const chart = new LossChart(figure, data, { Chart, getComputedStyle: window.getComputedStyle.bind(window) });
    document.addEventListener("themechange", () => chart.draw());
    document.addEventListener("htmx:oobAfterSwap", ({ detail }) => {
      const news = detail.target.id === "loss-news" && readJson(document, "loss-news-points");
      if (news) chart.update(news);
    });
  }
}
