// Looks at pages in frames of several widths as a person would, and writes what is wrong into #result as JSON.
const look = async (frame, name) => {
  const page = frame.contentDocument, view = frame.contentWindow, found = [];
  const say = (what, detail) => { if (found.length < 12) found.push(what + ": " + String(detail).slice(0, 160)); };
  const root = page.documentElement;
  if (root.scrollWidth > root.clientWidth) say("scrolls sideways", root.scrollWidth + " > " + root.clientWidth);
  const loaded = view.performance.getEntriesByType("resource").filter((each) => !each.name.startsWith("data:"));
  if (loaded.length) say("a request left the page", loaded[0].name);

  // every chart has marks
  const marks = "path.line, rect.bar, circle.point, path[class^=shade], circle.here, circle.dot";
  const charts = [...page.querySelectorAll("svg[role=img]")];
  for (const chart of charts) {
    const seen = [...chart.querySelectorAll(marks)].some((each) => { const b = each.getBoundingClientRect(); return b.width + b.height > 1; });
    if (!seen) say("a chart without marks", chart.outerHTML);
  }

  // text: where it is, what clips it
  const texts = [];
  const walker = page.createTreeWalker(page.body, view.NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, holder = node.parentElement;
    if (!node.textContent.trim() || holder.closest(".quiet, .skip, .tip, script, title, desc, details:not([open]) > :not(summary)")) continue;
    const range = page.createRange();
    range.selectNodeContents(node);
    const style = view.getComputedStyle(holder);
    for (const box of range.getClientRects()) if (box.width > 1 && box.height > 1) texts.push({ node, holder, box, style });
  }
  for (const { holder, box, node } of texts) {
    const chart = holder.closest("svg");
    const bound = (chart || holder.closest(".card, nav, header, section, footer"))?.getBoundingClientRect();
    const scrolls = holder.closest(".scroll"), cut = holder.closest(".shares th, .confusion th");
    if (scrolls && scrolls.scrollWidth > scrolls.clientWidth + 1) continue; // its own bar scrolls it
    if (cut) continue; // ends in an ellipsis, with the whole name beside the pointer
    if (bound && (box.left < bound.left - 2 || box.right > bound.right + 2)) say("text leaves its place", node.textContent);
    for (let at = holder; at && at !== page.body; at = at.parentElement) {
      const style = view.getComputedStyle(at);
      if (style.overflowX === "hidden" && at.scrollWidth > at.clientWidth + 1) { say("text is clipped", node.textContent); break; }
    }
  }
  const inside = ({ holder, box }) => {
    const scrolls = holder.closest(".scroll")?.getBoundingClientRect();
    return !scrolls || (box.top >= scrolls.top - 1 && box.bottom <= scrolls.bottom + 1 && box.left >= scrolls.left - 1 && box.right <= scrolls.right + 1);
  };
  const visible = texts.filter((each) => inside(each) && !each.holder.closest(".shares th, .confusion th")).sort((a, b) => a.box.top - b.box.top);
  for (let i = 0; i < visible.length; i++) {
    for (let j = i + 1; j < visible.length && visible[j].box.top < visible[i].box.bottom; j++) {
      const a = visible[i], b = visible[j];
      if (a.node === b.node) continue;
      const wide = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left);
      const high = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top);
      // lines of text are taller than their letters: a quarter of a line is air
      if (wide > 1 && high > 0.3 * Math.min(a.box.height, b.box.height)) say("texts overlap", a.node.textContent + " | " + b.node.textContent);
    }
  }

  // contrast
  const parse = (text) => { const n = text.match(/[\d.]+/g).map(Number); return [n[0], n[1], n[2], n.length > 3 ? n[3] : 1]; };
  const over = (top, under) => [0, 1, 2].map((k) => top[k] * top[3] + under[k] * (1 - top[3])).concat(1);
  const light = (c) => [0.2126, 0.7152, 0.0722].reduce((sum, w, k) => { const v = c[k] / 255; return sum + w * (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); }, 0);
  const ground = (at) => {
    const layers = [];
    for (; at; at = at.parentElement) layers.push(parse(view.getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255, 1]);
  };
  let least = 21;
  for (const { holder, style, node } of texts) {
    const chart = holder.closest("svg"), back = ground(chart ? chart.parentElement : holder);
    const ink = over(parse(chart ? style.fill : style.color), back);
    const [a, b] = [light(ink), light(back)].sort((x, y) => y - x), ratio = (a + 0.05) / (b + 0.05);
    least = Math.min(least, ratio);
    if (ratio < 4.5) say("contrast " + ratio.toFixed(2), node.textContent + " " + style.color + " on " + back.map(Math.round));
  }

  // values by keyboard
  const plots = [...page.querySelectorAll("[data-points]")];
  for (const plot of plots) {
    plot.focus();
    plot.dispatchEvent(new view.KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
    const tip = page.querySelector(".tip.on");
    if (plot.tabIndex !== 0 || !tip || !tip.textContent.trim() || !plot.querySelector(".cross")) say("a chart without keys", plot.getAttribute("aria-label"));
    plot.dispatchEvent(new view.KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
    if (page.querySelector(".tip.on")) say("Escape does not hide", plot.getAttribute("aria-label"));
    plot.blur();
  }
  return { name, width: view.innerWidth, dark: view.matchMedia("(prefers-color-scheme: dark)").matches, charts: charts.length, plots: plots.length, texts: texts.length, least, found };
};
const main = async (pages, widths) => {
  const results = [];
  for (const [name, html] of Object.entries(pages)) for (const width of widths) {
    const frame = document.createElement("iframe");
    frame.style.cssText = `border:0;width:${width}px;height:900px`;
    const done = new Promise((resolve) => { frame.onload = resolve; });
    frame.srcdoc = html;
    document.body.append(frame);
    await done;
    try { results.push(await look(frame, name)); } catch (error) { results.push({ name, width, found: ["the probe failed: " + error + " " + error.stack] }); }
    frame.remove();
  }
  document.getElementById("result").textContent = JSON.stringify(results);
};
