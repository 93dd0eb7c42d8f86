import assert from "node:assert/strict";
import { test } from "node:test";

import {
  axisWords, baselineCurve, endWords, farEnd, LossChart, lowest, mergePoints, niceTicks, runCurves, spreadLabels,
  timeTicks, verticalRange,
} from "../../static/js/loss_chart.js";
import { element } from "./page.mjs";

const point = (step, train, valid = null, character = null) => [step, step / 10, step * 2, train, valid, character];
const points = [point(1, 4), point(10, 3, 3.2, 1.6), point(20, 2, 2.8, 1.4), point(30, 1, 3, 1.5)];

test("news of the same attempt are added once, in the order of their steps", () => {
  const old = { attempt: 1, points: points.slice(0, 3) };
  const merged = mergePoints(old, { attempt: 1, planned: {}, points: points.slice(2) });
  assert.deepEqual(merged.points.map(([step]) => step), [1, 10, 20, 30]);
});

test("a new attempt begins the curve anew", () => {
  const news = { attempt: 2, points: [point(1, 5)] };
  assert.equal(mergePoints({ attempt: 1, points }, news), news);
});

test("a run has a thin training curve and a thick one with its best point", () => {
  const [training, aside] = runCurves({ points }, { axis: "step", measure: "token" });
  assert.equal(training.points.length, 4);
  assert.equal(training.isThick, undefined);
  assert.deepEqual(aside.points.map(({ x, y }) => [x, y]), [[10, 3.2], [20, 2.8], [30, 3]]);
  assert.equal(aside.best, 1);
});

test("by character only what was measured by character is drawn", () => {
  const curves = runCurves({ points }, { axis: "seconds", measure: "character" });
  assert.deepEqual(curves.map((curve) => curve.points.map(({ x, y }) => [x, y])), [[[20, 1.6], [40, 1.4], [60, 1.5]]]);
});

test("what counting words comes to is a level line over the whole width", () => {
  const data = { points, baseline: { token: null, character: 1.5 } };
  const line = baselineCurve(data, { measure: "character" }, 40);
  assert.deepEqual(line.points, [{ x: 0, y: 1.5 }, { x: 40, y: 1.5 }]);
  assert.ok(line.dash.length);
  assert.equal(endWords(line, false), "counting words 1.50");
  assert.equal(baselineCurve(data, { measure: "token" }, 40), null);
  assert.equal(baselineCurve({ points }, { measure: "character" }, 40), null);
  assert.equal(baselineCurve({ points, baseline: null }, { measure: "character" }, 40), null);
});

test("the first of equally low points is the best", () => {
  assert.equal(lowest([{ y: 2 }, { y: 1 }, { y: 1 }]), 1);
});

test("ticks are round numbers inside the range", () => {
  assert.deepEqual(niceTicks(0, 12, 7), [0, 2, 4, 6, 8, 10, 12]);
  assert.deepEqual(niceTicks(1.31, 2.02, 5), [1.4, 1.6, 1.8, 2]);
  assert.deepEqual(niceTicks(3, 3, 5), [3]);
  for (const high of [0.013, 1, 7, 99, 123456]) assert.ok(niceTicks(0, high, 7).length <= 8);
});

test("ticks of time are seconds, minutes or hours as people count them", () => {
  assert.deepEqual(timeTicks(70, 7), [0, 10, 20, 30, 40, 50, 60, 70].slice(0, timeTicks(70, 7).length));
  assert.deepEqual(timeTicks(640, 7), [0, 120, 240, 360, 480, 600]);
  assert.deepEqual([0, 30, 120, 7200].map((value) => axisWords("seconds", value)), ["0", "30 s", "2 min", "2 h"]);
});

test("the scale begins where the curves can be compared", () => {
  const { low, high } = verticalRange(runCurves({ points: [point(0, 90), ...points] }, { axis: "step", measure: "token" }));
  assert.ok(high < 5);
  assert.ok(low >= 0 && low < 1);
  assert.deepEqual(verticalRange([]), { low: 0, high: 1 });
});

test("names at the ends of curves never lie on each other", () => {
  for (const heights of [[10, 11, 12], [50, 10], [5, 5, 5, 5]]) {
    const places = spreadLabels(heights, 17).toSorted((one, other) => one - other);
    places.slice(1).forEach((place, index) => assert.ok(place - places[index] >= 16.99));
  }
});

test("the end of a curve says its value, and its best where that lies before", () => {
  const curve = { label: "songs kept aside", short: "aside", points: [{ y: 3 }, { y: 2 }], best: 1 };
  assert.equal(endWords(curve, false), "songs kept aside 2.00");
  assert.equal(endWords({ ...curve, points: [{ y: 2 }, { y: 3 }], best: 0 }, true), "aside, best 2.00");
});

test("a running curve keeps its planned end in sight", () => {
  const curves = [{ points: [{ x: 3 }, { x: 7 }] }];
  assert.equal(farEnd(curves, 12), 12);
  assert.equal(farEnd(curves), 7);
  assert.equal(farEnd([{ points: [] }]), 1);
});

// ── the chart itself, with a drawer that only takes notes ──

function chartOn(data) {
  const drawn = [];
  class Chart {
    constructor(canvas, config) { drawn.push(config); }
    destroy() {}
  }
  const canvas = element({
    parentElement: { clientWidth: 900 },
    getContext: () => ({ measureText: (text) => ({ width: 7 * text.length }) }),
  });
  const axisName = element();
  const figure = element({
    dataset: { token: "word" },
    querySelector: (selector) => (selector === "canvas" ? canvas : axisName),
  });
  const chart = new LossChart(figure, data, { Chart, getComputedStyle: () => ({ color: "black", fontFamily: "sans" }) });
  return { chart, figure, drawn, axisName };
}

test("a chart without points hides until its first one comes", () => {
  const { chart, figure, drawn } = chartOn({ attempt: 0, planned: {}, points: [] });
  assert.equal(figure.hidden, true);
  assert.equal(drawn.length, 0);
  chart.update({ attempt: 1, planned: { epoch: 12 }, points: [point(1, 3)] });
  assert.equal(figure.hidden, false);
  assert.equal(drawn.at(-1).options.scales.x.max, 12);
});

test("a chart draws the level beside the curves of a run, to the end of its scale", () => {
  const { drawn, figure } = chartOn({ attempt: 1, planned: { epoch: 12 }, points, baseline: { token: 2.5, character: 1.2 } });
  const levels = () => drawn.at(-1).data.datasets[0].data;
  assert.deepEqual(levels(), [{ x: 0, y: 2.5 }, { x: 12, y: 2.5 }]);
  assert.equal(drawn.at(-1).data.datasets.length, 3);
  figure.dispatchEvent({ type: "change", target: { name: "measure", value: "character" } });
  assert.equal(levels()[1].y, 1.2);
});

test("another axis is drawn and named when it is chosen", () => {
  const { figure, drawn, axisName } = chartOn({ attempt: 1, planned: {}, points });
  assert.equal(axisName.textContent, "nats per word, by epoch");
  figure.dispatchEvent({ type: "change", target: { name: "axis", value: "step" } });
  figure.dispatchEvent({ type: "change", target: { name: "measure", value: "character" } });
  assert.equal(axisName.textContent, "nats per character, by step");
  assert.equal(drawn.at(-1).options.scales.x.max, 30);
  assert.equal(drawn.at(-1).options.animation, false);
  assert.equal(drawn.at(-1).options.plugins.legend.display, false);
});
