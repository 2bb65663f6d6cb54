"use strict";
(() => {
  const traces = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const state = { trace: 0, price: 0, shown: new Set(), sort: null, range: null };
  let charts = [];

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim() || "#888";
  const element = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) {
      if (key === "on") for (const [event, handler] of Object.entries(value)) node.addEventListener(event, handler);
      else if (key === "style") node.style.cssText = value;
      else if (value !== null && value !== undefined && value !== false) node.setAttribute(key, value);
    }
    node.append(...children);
    return node;
  };
  const svg = (tag, attributes = {}, ...children) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [key, value] of Object.entries(attributes)) {
      if (key === "on") for (const [event, handler] of Object.entries(value)) node.addEventListener(event, handler);
      else node.setAttribute(key, value);
    }
    node.append(...children);
    return node;
  };
  const decode = (text, Kind) => {
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    return Array.from(new Kind(bytes.buffer));
  };
  const number = (value, digits) => value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const short = (value) => (value === 0 ? "0" : Math.abs(value) >= 100 ? number(value, 0) : Math.abs(value) >= 10 ? number(value, 1) : number(value, 2));
  const ours = (row) => row.engine === "predictive" || row.engine === "weighted_score";
  const theGroups = (row) => row.engine === "actual" || row.engine === "own";
  const violations = (row) => 1 - row.in_slo + row.lost;

  const trace = () => traces[state.trace];
  const price = () => trace().prices[state.price];
  const score = (row, k = price()) => row.j[String(k)];
  const lowest = (rows, k) => rows.reduce((best, row) => (best && score(best, k) <= score(row, k) ? best : row), null);
  const bestPeer = (k = price()) => lowest(trace().report.policies.filter((row) => !ours(row) && !theGroups(row)), k);
  const predictive = (k = price()) => trace().report.policies.find((row) => row.engine === "predictive" && row.knob === k);

  // Tooltip

  const tip = byId("tip");
  const showTip = (event, ...content) => {
    tip.replaceChildren(...content);
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(8, Math.min(event.clientX + 16, innerWidth - box.width - 8))}px`;
    tip.style.top = `${event.clientY + 18 + box.height > innerHeight ? event.clientY - box.height - 12 : event.clientY + 18}px`;
  };
  const hideTip = () => { tip.hidden = true; };
  const pairs = (...rows) => element("table", {}, ...rows.map(([key, value]) => element("tr", {}, element("td", {}, key), element("td", {}, value))));

  // Verdict

  const figure = (label, value, note, tone = "") => element("div", { class: `figure ${tone}` }, element("span", {}, label), element("b", {}, value), element("span", {}, note));
  const drawVerdict = () => {
    const peer = bestPeer(), own = predictive();
    const figures = [];
    if (peer && own) {
      const ratio = score(own) / score(peer);
      const change = Math.abs(1 - ratio) * 100;
      figures.push(figure("predictive against the best peer", `${number(change, 1)} % ${ratio <= 1 ? "cheaper" : "dearer"}`, "all in all, at this price of a violation", ratio <= 1 ? "good" : "bad"));
    }
    for (const [label, row] of [["predictive", own], ["best peer, its knob chosen in hindsight", peer]]) {
      if (row) figures.push(figure(label, `J ${number(score(row), 3)}`, `${row.name} · ${number(row.in_slo * 100, 2)} % in SLO · ${number(row.cost_hours, 0)} instance-hours`));
    }
    figures.push(figure("perfect foresight", `${number(trace().report.clairvoyant_hours, 0)} h`, "instance-hours at 85 % utilisation"));
    byId("verdict").replaceChildren(...figures);
  };

  // Frontier

  const drawFrontier = () => {
    const holder = byId("frontier"), rows = trace().report.policies;
    const width = Math.max(320, holder.clientWidth), height = 420, left = 82, right = 24, top = 14, bottom = 46;
    const floor = 1e-5;
    // One instance for ever is next to nothing and would squeeze all others to the right: it stands at the edge.
    const costs = rows.filter((row) => row.engine !== "static_one").map((row) => row.rel);
    const x0 = Math.log(Math.min(0.9, ...costs) * 0.93), x1 = Math.log(Math.max(1.5, ...costs) * 1.1);
    const y0 = Math.log(floor), y1 = Math.log(2.6);
    const x = (value) => left + ((Math.max(Math.log(value), x0) - x0) / (x1 - x0)) * (width - left - right);
    const y = (value) => height - bottom - ((Math.log(Math.max(value, floor)) - y0) / (y1 - y0)) * (height - top - bottom);
    const root = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "Cost against share of work out of its service level" });
    const ticks = [0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.2, 1.5, 2, 3, 5, 7, 10, 15, 20, 30, 50].filter((tick) => Math.log(tick) > x0 && Math.log(tick) < x1);
    for (const tick of ticks) {
      root.append(svg("line", { class: "axis", x1: x(tick), x2: x(tick), y1: top, y2: height - bottom }));
      root.append(svg("text", { x: x(tick), y: height - bottom + 18, "text-anchor": "middle" }, `${tick}×`));
    }
    for (const [tick, label] of [[1e-5, "≤ 0.001 %"], [1e-4, "0.01 %"], [1e-3, "0.1 %"], [1e-2, "1 %"], [1e-1, "10 %"], [1, "100 %"]]) {
      root.append(svg("line", { class: "axis", x1: left, x2: width - right, y1: y(tick), y2: y(tick) }));
      root.append(svg("text", { x: left - 8, y: y(tick) + 4, "text-anchor": "end" }, label));
    }
    root.append(svg("text", { x: (left + width - right) / 2, y: height - 8, "text-anchor": "middle" }, "cost, as a multiple of perfect foresight"));
    const peer = bestPeer();
    if (peer) {
      // All (cost, violations) with the best peer's J: violations = (J - cost) clairvoyant / (k work).
      const factor = trace().report.clairvoyant_hours / (price() * trace().work_hours);
      const limit = score(peer);
      const points = [];
      for (let step = 0; step <= 200; step++) {
        const cost = Math.exp(x0) + (limit - Math.exp(x0)) * (1 - Math.pow(1 - step / 200, 3));
        const level = (limit - cost) * factor;
        if (cost > 0) points.push(`${x(cost)},${Math.max(top, Math.min(height - bottom, y(level)))}`);
      }
      root.append(svg("polyline", { points: points.join(" "), fill: "none", stroke: colour("muted"), "stroke-width": 1.5, "stroke-dasharray": "5 5" }));
    }
    const engines = new Map();
    for (const row of rows) engines.set(row.engine, [...(engines.get(row.engine) || []), row]);
    const labels = [];
    for (const [engine, members] of engines) {
      const paint = colour(engine);
      const line = [...members].sort((a, b) => (a.knob ?? 0) - (b.knob ?? 0));
      if (line.length > 1) root.append(svg("polyline", { points: line.map((row) => `${x(row.rel)},${y(violations(row))}`).join(" "), fill: "none", stroke: paint, "stroke-width": 1.5, opacity: 0.5 }));
      for (const row of line) {
        const own = ours(row), best = row === peer;
        root.append(svg("circle", {
          class: "dot", cx: x(row.rel), cy: y(violations(row)), r: own ? 6.5 : best ? 6.5 : 4.5, fill: paint,
          on: {
            pointermove: (event) => showTip(event, element("b", {}, row.name), pairs(
              ["J", number(score(row), 3)], ["cost", `${number(row.rel, 3)} × foresight`], ["in SLO", `${number(row.in_slo * 100, 3)} %`],
              ["lost", `${number(row.lost * 100, 3)} %`], ["p99", `${number(row.p99_ms, 0)} ms`], ["changes", number(row.actions, 0)])),
            pointerleave: hideTip,
          },
        }));
      }
      const off = line.every((row) => Math.log(row.rel) < x0);
      const named = line.includes(peer) ? peer : line.includes(predictive()) ? predictive() : line[Math.floor(line.length / 2)];
      labels.push({ x: x(named.rel) + 10, y: y(violations(named)) + 4, text: off ? `← ${engine}, ${number(named.rel, 2)}×` : named === peer || ours(named) ? named.name : engine, paint });
    }
    labels.sort((a, b) => a.y - b.y);
    const placed = [];
    for (const label of labels) {
      const clash = () => placed.some((other) => Math.abs(other.y - label.y) < 14 && label.x < other.x + other.text.length * 7.2 && other.x < label.x + label.text.length * 7.2);
      for (let tries = 0; clash() && tries < 12; tries++) label.y += 4;
      if (label.x + label.text.length * 7.2 > width) label.x -= label.text.length * 7.2 + 22;
      placed.push(label);
      root.append(svg("text", { class: "name", x: label.x, y: label.y, style: `fill: ${label.paint}` }, label.text));
    }
    holder.replaceChildren(root);
  };

  // Time charts

  const dashes = [[], [7, 4], [2, 3], [10, 3, 2, 3]];
  const prepare = (one) => {
    if (one.times) return;
    one.loads = decode(one.load, Float32Array);
    one.times = one.loads.map((_, minute) => one.start + minute * 60);
    for (const series of one.series) {
      series.data = { serving: decode(series.serving, Uint16Array), wait: decode(series.wait_ms, Uint16Array).map((value) => value / 1000), latency: decode(series.latency_ms, Uint16Array).map((value) => value / 1000) };
    }
  };
  // Knobs of one policy share its colour; only where several are shown do they need different dashes.
  const setDashes = () => {
    const count = {};
    for (const series of trace().series) {
      const rank = state.shown.has(series.name) ? (count[series.engine] = (count[series.engine] ?? -1) + 1) : 0;
      series.dash = dashes[rank % dashes.length];
    }
  };
  const instant = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ");

  const clock = (_, ticks) => ticks.map((seconds, index) => {
    const [day, time] = instant(seconds).split(" ");
    return index === 0 || time === "00:00" ? `${time}\n${day}` : time;
  });

  const panels = [
    { title: "Load, work per second", height: 130, unit: "", own: (one) => [{ label: "load", values: one.loads, stroke: () => colour("load"), fill: true }] },
    { title: "Instances that serve; the shaded area is what the work itself needs", height: 240, key: "serving", digits: 0, stepped: true, own: (one) => [{ label: "work", values: one.loads.map((load) => load / one.report.cap), stroke: () => colour("load"), fill: true, thin: true }] },
    { title: "Queue, seconds to clear", height: 130, key: "wait", digits: 1, own: () => [] },
    { title: "Mean latency, seconds; the dashed line is the service level", height: 160, key: "latency", digits: 2, log: true, own: (one) => [{ label: "SLO", values: one.times.map(() => one.slo_seconds), stroke: () => colour("bad"), dash: [4, 5], thin: true }] },
  ];

  const setRange = (min, max) => {
    const first = trace().times[0], last = trace().times.at(-1);
    state.range = min <= first && max >= last ? null : [min, max];
    for (const chart of charts) {
      if (chart.scales.x.min !== min || chart.scales.x.max !== max) chart.setScale("x", { min, max });
    }
  };
  const drawCharts = () => {
    const one = trace(), holder = byId("charts");
    for (const chart of charts) chart.destroy();
    holder.replaceChildren();
    const shown = one.series.filter((series) => state.shown.has(series.name));
    const width = Math.max(300, holder.clientWidth);
    const axis = { stroke: () => colour("muted"), grid: { stroke: () => colour("line"), width: 1 }, ticks: { stroke: () => colour("line"), width: 1 }, font: "12px system-ui, sans-serif" };
    charts = panels.map((panel, index) => {
      const own = panel.own(one);
      const lines = panel.key ? shown : [];
      const stepped = panel.stepped ? { paths: uPlot.paths.stepped({ align: 1 }) } : {};
      const options = {
        width, height: panel.height, padding: [8, 18, index === panels.length - 1 ? 0 : 6, 0], legend: { show: false },
        cursor: { sync: { key: "replay" }, drag: { x: true, y: false, setScale: true }, points: { show: false } },
        scales: { x: { time: true, min: state.range?.[0], max: state.range?.[1] }, y: panel.log ? { distr: 3, range: (_, low, high) => [0.4, Math.max(3, high * 1.2)] } : { range: (_, low, high) => [0, Math.max(high * 1.06, 1e-9)] } },
        axes: [{ ...axis, values: clock, space: 70, show: index === panels.length - 1, size: index === panels.length - 1 ? 42 : 0 }, { ...axis, size: 62, values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : `${tick}`)), ...(panel.log ? { splits: () => [0.5, 1, 2, 5, 10, 30], filter: (_, ticks) => ticks } : {}) }],
        series: [{}, ...own.map((line) => ({ label: line.label, stroke: line.stroke, width: line.thin ? 1 : 1.2, dash: line.dash, fill: line.fill ? () => `${colour("load")}33` : undefined, points: { show: false } })),
          ...lines.map((series) => ({ label: series.name, stroke: () => colour(series.engine), width: series.engine === "predictive" ? 2 : 1.5, dash: series.dash, points: { show: false }, ...stepped }))],
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
        hooks: {
          setScale: [(chart, key) => { if (key === "x") setRange(chart.scales.x.min, chart.scales.x.max); }],
          setCursor: [(chart) => { if (chart === charts[hovered]) tellMinute(chart, shown, one); }],
        },
      };
      const node = element("div", { class: "chart", on: { pointerenter: () => { hovered = index; }, pointerleave: hideTip, pointermove: (event) => { pointer = event; } } }, element("h3", {}, panel.title));
      holder.append(node);
      return new uPlot(options, [one.times, ...own.map((line) => line.values), ...lines.map((series) => series.data[panel.key])], node);
    });
  };
  let hovered = 0, pointer = null;
  const tellMinute = (chart, shown, one) => {
    const at = chart.cursor.idx;
    if (at === null || at === undefined || !pointer || chart.cursor.left < 0) { hideTip(); return; }
    const head = element("tr", {}, ...["", "serving", "queue", "latency"].map((text) => element("td", {}, text)));
    const body = shown.map((series) => element("tr", {}, element("td", {}, series.name), element("td", {}, String(series.data.serving[at])), element("td", {}, `${short(series.data.wait[at])} s`), element("td", {}, `${number(series.data.latency[at], 2)} s`)));
    showTip(pointer, element("b", {}, `${instant(one.times[at])} UTC`), `load ${short(one.loads[at])}, ${number(one.loads[at] / one.report.cap, 1)} instances' work`, element("table", {}, head, ...body));
  };

  const drawChips = () => {
    const chips = trace().series.map((series) => {
      const sample = svg("svg", { viewBox: "0 0 22 8" }, svg("line", { x1: 0, x2: 22, y1: 4, y2: 4, stroke: colour(series.engine), "stroke-width": 3, "stroke-dasharray": (series.dash || []).join(" ") }));
      return element("button", {
        type: "button", "aria-pressed": String(state.shown.has(series.name)), style: `color: ${colour(series.engine)}`,
        on: { click: () => { if (!state.shown.delete(series.name)) state.shown.add(series.name); setDashes(); drawChips(); drawCharts(); } },
      }, sample, element("span", { style: "color: var(--ink)" }, series.name));
    });
    byId("policies").replaceChildren(...chips);
  };
  const drawZoom = () => {
    const one = trace(), first = one.times[0], last = one.times.at(-1);
    const spans = [["6 h", 6 * 3600], ["1 day", 86400], ["3 days", 3 * 86400], ["all", Infinity]].filter(([, span]) => span === Infinity || span < last - first);
    byId("zoom").replaceChildren(...spans.map(([label, span]) => element("button", { type: "button", on: { click: () => {
      if (span === Infinity) { setRange(first, last); return; }
      const [min, max] = state.range ?? [first, last];
      const start = Math.max(first, Math.min(last - span, state.range ? (min + max) / 2 - span / 2 : busiest(one) - span / 2));
      setRange(start, start + span);
    } } }, label)));
  };
  // Where the policies differ most is what one wants to see first.
  const busiest = (one) => {
    const shown = one.series.filter((series) => state.shown.has(series.name));
    let best = 0, at = 0;
    for (let minute = 0; minute < one.times.length; minute++) {
      const highest = Math.max(0, ...shown.map((series) => series.data.latency[minute]));
      if (highest > best) { best = highest; at = minute; }
    }
    return one.times[at];
  };

  // Table

  const columns = () => [
    ["policy", (row) => row.name, null], ["cost h", (row) => row.cost_hours, 1], ["rel", (row) => row.rel, 3], ["in SLO %", (row) => row.in_slo * 100, 3], ["lost %", (row) => row.lost * 100, 3],
    ["p95 ms", (row) => row.p95_ms, 0], ["p99 ms", (row) => row.p99_ms, 0], ["actions", (row) => row.actions, 0], ["flips", (row) => row.flips, 0], ["starts", (row) => row.starts, 0], ["used %", (row) => row.utilisation, 1],
    ...(trace().report.price_per_hour === undefined ? [] : [["money", (row) => row.money, 2], ["late", (row) => row.late_work, 0]]),
    ...trace().prices.map((k) => [`J(${k})`, (row) => score(row, k), 3]),
  ];
  const drawTable = () => {
    const all = columns(), rows = [...trace().report.policies];
    const sort = state.sort ?? { column: all.length - trace().prices.length + state.price, down: false };
    const value = all[sort.column][1];
    rows.sort((a, b) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0) * (sort.down ? -1 : 1));
    const best = new Map(trace().prices.map((k) => [`J(${k})`, lowest(trace().report.policies, k)]));
    const head = element("tr", {}, ...all.map(([label], index) => element("th", {
      "aria-sort": index === sort.column ? (sort.down ? "descending" : "ascending") : null,
      on: { click: () => { state.sort = { column: index, down: index === sort.column ? !sort.down : false }; drawTable(); } },
    }, label)));
    const body = rows.map((row) => element("tr", { class: ours(row) ? "ours" : null }, ...all.map(([label, get, digits]) => digits === null
      ? element("td", {}, element("i", { style: `background: ${colour(row.engine)}` }), get(row))
      : element("td", { class: best.get(label) === row ? "best" : null }, number(get(row), digits)))));
    byId("figures").replaceChildren(element("thead", {}, head), element("tbody", {}, ...body));
  };

  // Page

  const drawHead = () => {
    const report = trace().report;
    document.title = `Replay of ${report.trace}`;
    byId("title").textContent = report.trace;
    const column = report.column === undefined ? [] : [`column ${report.column}`];
    const parts = [...column, `${number(report.minutes / 1440, 1)} days from ${instant(trace().start)} UTC`, `instances start in ${report.lead_s} s`, `metrics ${report.delay_min} min late`, `${number(report.mean_instances, 1)} instances on average at 60 %`];
    if (report.price_per_hour !== undefined) parts.push(`an instance-hour costs ${number(report.price_per_hour, 4)}`);
    if (report.known?.saturated) parts.push(`full in ${report.known.saturated} minutes`);
    if (report.interpolated) parts.push(`${report.interpolated} missing values interpolated`);
    byId("circumstances").textContent = parts.join(" · ");
    byId("price").replaceChildren(...trace().prices.map((k, index) => element("option", { value: index, selected: index === state.price ? "" : null }, String(k))));
  };
  const choose = () => {
    const actual = trace().report.policies.find((row) => row.engine === "actual");
    const names = [actual?.name, predictive()?.name, bestPeer()?.name].filter(Boolean);
    const known = trace().series.map((series) => series.name).filter((name) => names.includes(name));
    state.shown = new Set(known.length ? known : trace().series.slice(0, 2).map((series) => series.name));
  };
  const drawAll = () => { prepare(trace()); setDashes(); drawHead(); drawVerdict(); drawFrontier(); drawChips(); drawZoom(); drawCharts(); drawTable(); };

  const setTheme = (theme) => { document.documentElement.dataset.theme = theme; };
  const preferred = matchMedia("(prefers-color-scheme: dark)");
  const asked = /theme=(light|dark)/.exec(location.hash)?.[1];
  setTheme(asked ?? (preferred.matches ? "dark" : "light"));
  preferred.addEventListener("change", () => { setTheme(preferred.matches ? "dark" : "light"); drawAll(); });
  byId("theme").addEventListener("click", () => { setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"); drawAll(); });

  state.price = Math.max(0, trace().prices.indexOf(20));
  byId("price").addEventListener("change", (event) => { state.price = Number(event.target.value); state.sort = null; choose(); drawAll(); });
  byId("trace").replaceChildren(...traces.map((one, index) => element("option", { value: index }, one.report.trace)));
  byId("trace").addEventListener("change", (event) => { state.trace = Number(event.target.value); state.range = null; choose(); drawAll(); });
  byId("trace-choice").hidden = traces.length < 2;
  let resizing;
  addEventListener("resize", () => { clearTimeout(resizing); resizing = setTimeout(() => { drawFrontier(); drawCharts(); }, 120); });
  choose();
  drawAll();

  // What a browser test looks at: `#check` counts what was really painted.
  if (location.hash.includes("check")) {
    setTimeout(() => {
      const painted = (chart) => {
        const { data } = chart.ctx.getImageData(0, 0, chart.ctx.canvas.width, chart.ctx.canvas.height);
        let pixels = 0;
        for (let index = 3; index < data.length; index += 4) if (data[index] > 0) pixels++;
        return pixels;
      };
      Object.assign(document.body.dataset, {
        charts: charts.length, minutes: charts[0].data[0].length, series: charts[1].data.length - 2, painted: Math.min(...charts.map(painted)),
        dots: document.querySelectorAll("#frontier circle").length, rows: document.querySelectorAll("#figures tbody tr").length,
      });
    }, 50);
  }
})();
