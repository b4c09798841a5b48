(() => {
  "use strict";
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.setAttribute("role", "status");
  document.body.append(tip);
  const hide = () => { tip.classList.remove("on"); for (const each of document.querySelectorAll(".cross")) each.remove(); };
  for (const plot of document.querySelectorAll("[data-points]")) {
    const svg = plot.querySelector("svg");
    const points = JSON.parse(plot.dataset.points);
    if (!svg || !points.length) continue;
    const box = svg.viewBox.baseVal, along = plot.dataset.mode === "x";
    const named = svg.querySelector(":scope > title");
    if (named) { svg.setAttribute("aria-label", named.textContent); svg.removeAttribute("aria-labelledby"); }
    for (const each of svg.querySelectorAll("title")) each.remove();
    let here = -1;
    plot.tabIndex = 0;
    plot.setAttribute("role", "group");
    plot.setAttribute("aria-label", svg.getAttribute("aria-label") + ". Left and right arrow keys read the values.");
    const show = (index) => {
      here = Math.max(0, Math.min(points.length - 1, index));
      const [x, y, words] = points[here];
      hide();
      const cross = document.createElementNS(svg.namespaceURI, "g");
      cross.setAttribute("class", "cross");
      const add = (name, values) => {
        const made = document.createElementNS(cross.namespaceURI, name);
        for (const key in values) made.setAttribute(key, values[key]);
        cross.append(made);
      };
      if (along) add("line", { x1: x, x2: x, y1: plot.dataset.top, y2: plot.dataset.bottom });
      add("circle", { cx: x, cy: y, r: 5 });
      svg.append(cross);
      tip.textContent = words;
      tip.classList.add("on");
      const area = svg.getBoundingClientRect(), scale = area.width / box.width;
      const left = area.left + x * scale, top = area.top + y * scale;
      const wide = tip.offsetWidth, high = tip.offsetHeight;
      const over = left + 14 + wide > document.documentElement.clientWidth - 6;
      tip.style.left = Math.max(6, over ? left - 14 - wide : left + 14) + "px";
      tip.style.top = Math.max(6, Math.min(window.innerHeight - high - 6, top - high / 2)) + "px";
    };
    const nearest = (event) => {
      const area = svg.getBoundingClientRect(), scale = area.width / box.width;
      const x = (event.clientX - area.left) / scale, y = (event.clientY - area.top) / scale;
      let best = 0, least = Infinity;
      points.forEach((each, index) => {
        const gap = along ? Math.abs(each[0] - x) : Math.hypot(each[0] - x, each[1] - y);
        if (gap < least) { least = gap; best = index; }
      });
      show(best);
    };
    plot.addEventListener("pointermove", nearest);
    plot.addEventListener("pointerdown", nearest);
    plot.addEventListener("pointerleave", hide);
    plot.addEventListener("focus", () => { if (plot.matches(":focus-visible")) show(here < 0 ? 0 : here); });
    plot.addEventListener("blur", hide);
    plot.addEventListener("keydown", (event) => {
      const to = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: points.length - 1 }[event.key];
      if (event.key === "Escape") hide();
      if (to === undefined) return;
      event.preventDefault();
      show(to);
    });
  }
  window.addEventListener("scroll", hide, { passive: true });
})();
