// Two charts over the same time: capacity against load with what was expected, and one signal with its thresholds.

import { byId, element, fill } from "./dom.js";
import { clock, language, number, text } from "./texts.js";

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const seconds = (time) => Date.parse(time) / 1000;
const cursor = "flexus";
let charts = [];

// Aligns series that have times of their own: one column of x, gaps as null.
const align = (columns) => {
  const times = [...new Set(columns.flatMap((column) => column.map(([time]) => time)))].sort((a, b) => a - b);
  const at = new Map(times.map((time, index) => [time, index]));
  const rows = columns.map((column) => {
    const row = new Array(times.length).fill(null);
    for (const [time, value] of column) row[at.get(time)] = value;
    return row;
  });
  return [times, ...rows];
};

const axis = (size) => ({
  stroke: colour("muted"), grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line"), width: 1 },
  font: "12px system-ui, sans-serif", size,
});

const stepped = (u, ...rest) => uPlot.paths.stepped({ align: 1 })(u, ...rest);
const short = (value) => (value === null || value === undefined ? "–" : number(value, Number.isInteger(value) ? 0 : 1));

const draw = (holder, data, series, options) => {
  const wide = Math.max(260, holder.clientWidth);
  holder.replaceChildren();
  const chart = new uPlot({
    width: wide,
    height: options.height,
    padding: [10, 18, 0, 0],
    tzDate: (time) => uPlot.tzDate(new Date(time * 1000), "UTC"),
    cursor: { sync: { key: cursor }, drag: { x: true, y: false }, points: { size: 7 } },
    legend: { show: false },
    scales: { x: { time: true, range: options.range }, y: { range: (_, low, high) => [0, Math.max(1, (high ?? 1) * 1.1)] } },
    axes: [
      { ...axis(34), space: 70, values: (_, ticks) => ticks.map((tick) => clock(new Date(tick * 1000).toISOString())) },
      { ...axis(56), values: (_, ticks) => ticks.map((tick) => number(tick, tick % 1 ? 1 : 0)) },
    ],
    series: [{}, ...series],
    bands: options.bands,
    hooks: { setCursor: [options.follow], setScale: [(u, key) => { if (key === "x" && charts.includes(u)) together(u); }] },
  }, data, holder);
  chart.over.addEventListener("click", () => {
    const index = chart.cursor.idx;
    // A drag chooses a stretch and opens nothing.
    if (index !== null && index !== undefined && chart.select.width < 3) options.open(chart.data[0][index]);
  });
  chart.whole = options.range(null, -Infinity, Infinity);
  charts.push(chart);
  return chart;
};

// All there is, or what a person dragged over; both charts show the same stretch.
const zoomable = (start, end) => (_, low, high) => [Math.max(start, low ?? start), Math.min(end, high ?? end)];
const together = (chart) => {
  const { min, max } = chart.scales.x;
  for (const other of charts) if (other.scales.x.min !== min || other.scales.x.max !== max) other.setScale("x", { min, max });
};

const swatch = (kind, paint) => {
  const node = element("i", { class: `swatch ${kind}`, "aria-hidden": "true" });
  node.style.setProperty("--paint", paint);
  return node;
};

// The legend shows the values under the cursor, or the newest ones.
const legend = (holder, items, chart, index) => {
  const parts = items.map((item) => {
    const value = item.value(chart.data, index ?? item.newest(chart.data));
    return element("li", {}, swatch(item.kind, item.paint), `${item.label} `, element("b", {}, value));
  });
  holder.replaceChildren(...parts);
};
const last = (row) => row.findLastIndex((value) => value !== null);
const plain = (row, label, kind, paint) => ({ label, kind, paint, newest: (data) => last(data[row]), value: (data, index) => short(data[row][index]) });

const capacity = (series, open) => {
  const points = series.points;
  const bands = [...points.map((point) => point.forecast).filter(Boolean), ...series.expected];
  // A group that is younger than the stretch fills it all the same.
  const start = points.length ? Math.max(seconds(series.since), seconds(points[0].time)) : seconds(series.since);
  const end = Math.max(seconds(series.until), ...bands.map((band) => seconds(band.time)));
  const target = points.map((point) => [seconds(point.time), point.target]).filter(([, value]) => value !== null);
  const data = align([
    bands.map((band) => [seconds(band.time), band.low]),
    bands.map((band) => [seconds(band.time), band.high]),
    points.filter((point) => point.demand).map((point) => [seconds(point.demand.time), point.demand.instances]),
    target,
    points.map((point) => [seconds(point.time), point.serving]),
  ]);
  const paint = { band: colour("forecast"), load: colour("load"), target: colour("target"), serving: colour("serving") };
  const clear = () => null;
  const items = [
    plain(5, text("serving"), "line", paint.serving),
    plain(4, text("target"), "dash", paint.target),
    ...(data[3].some((value) => value !== null) ? [plain(3, text("load"), "area", paint.load)] : []),
    ...(bands.length ? [{ label: text("forecast"), kind: "area", paint: paint.band, newest: (rows) => last(rows[1]), value: (rows, index) => (rows[1][index] === null ? "–" : `${short(rows[1][index])}–${short(rows[2][index])}`) }] : []),
  ];
  const holder = byId("capacity-legend");
  const spanGaps = true;
  const chart = draw(byId("capacity-chart"), data, [
    { stroke: "transparent", spanGaps, points: { show: false } },
    { stroke: "transparent", spanGaps, points: { show: false } },
    { stroke: paint.load, fill: `${paint.load}38`, width: 1.5, spanGaps, points: { show: false } },
    { stroke: paint.target, dash: [5, 4], width: 1.5, spanGaps, paths: stepped, points: { show: false } },
    { stroke: paint.serving, width: 2.5, spanGaps, paths: stepped, points: { show: false } },
  ], {
    height: 280, open,
    bands: [{ series: [2, 1], fill: `${paint.band}55` }],
    range: zoomable(start, end),
    follow: (u) => legend(holder, items, u, u.cursor.idx),
  });
  legend(holder, items, chart, clear());
  const most = Math.max(0, ...points.map((point) => point.serving + point.starting));
  byId("capacity-chart").setAttribute("aria-label", text("capacity_label", { points: points.length, most }));
};

const signal = (series, config, index, open) => {
  const one = config.signals[index];
  const points = series.points;
  const values = points.map((point) => [seconds(point.time), point.values[index]]).filter(([, value]) => value !== null);
  const ends = points.length ? [seconds(points[0].time), seconds(points.at(-1).time)] : [];
  const level = (value) => (value === null || value === undefined ? [] : ends.map((time) => [time, value]));
  const slo = one.kind === "latency_ms" ? config.policy.slo_ms : null;
  const levels = slo === null ? [[text("scale_out"), one.scale_out, "bad"], [text("scale_in"), one.scale_in, "good"]] : [[text("slo"), slo, "bad"]];
  const shown = levels.filter(([, value]) => value !== null && value !== undefined);
  const data = align([values, ...shown.map(([, value]) => level(value))]);
  const own = colour("signal");
  const items = [
    plain(1, one.name, "line", own),
    ...shown.map(([label, value, tone]) => ({ label, kind: "dash", paint: colour(tone), newest: () => 0, value: () => number(value, 0) })),
  ];
  const holder = byId("signal-legend");
  const chart = draw(byId("signal-chart"), data, [
    { stroke: own, width: 2, spanGaps: true, points: { show: false } },
    ...shown.map(([, , tone]) => ({ stroke: colour(tone), dash: [4, 5], width: 1.5, spanGaps: true, points: { show: false } })),
  ], {
    height: 180, open,
    range: zoomable(charts[0].whole[0], charts[0].whole[1]),
    follow: (u) => legend(holder, items, u, u.cursor.idx),
  });
  legend(holder, items, chart, null);
  const highest = Math.max(0, ...values.map(([, value]) => value));
  byId("signal-chart").setAttribute("aria-label", text("signal_label", { name: one.name, highest: number(highest, 0) }));
};

// `open` is given the time of the point that was clicked.
export const drawCharts = (series, config, chosen, open) => {
  charts.forEach((chart) => chart.destroy());
  charts = [];
  capacity(series, open);
  fill(byId("signal"), ...config.signals.map((one, index) => element("option", { value: String(index), selected: index === chosen }, one.name)));
  byId("signal").value = String(chosen);
  if (config.signals.length) signal(series, config, chosen, open);
  document.documentElement.dataset.painted = `${charts.length} ${language()}`;
};
