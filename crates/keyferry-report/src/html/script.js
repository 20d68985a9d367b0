"use strict";
// Sorts and filters the table. Reading needs none of this. What is chosen is kept behind the `#` of the
// address, so that a view can be linked to; nothing is ever fetched or sent.
(() => {
  const table = document.getElementById("objects");
  if (!table) return;
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  rows.forEach((row, index) => { row.dataset.place = String(index); });
  const search = document.getElementById("search");
  const order = document.getElementById("order");
  const chips = Array.from(document.querySelectorAll(".chips button"));
  const shown = document.getElementById("shown");
  const noneLeft = document.getElementById("none-left");
  const heads = Array.from(table.tHead.rows[0].cells);
  const numbers = new Set(["place", "rank", "proven", "size", "latency"]);
  const words = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const state = { verdict: "", q: "", sort: "rank", down: false };

  function read() {
    const given = new URLSearchParams(location.hash.slice(1));
    state.verdict = given.get("verdict") || "";
    state.q = given.get("q") || "";
    search.value = state.q;
    const sort = given.get("sort") || "rank";
    state.down = sort.startsWith("-");
    state.sort = sort.replace(/^-/, "");
    if (state.sort !== "place" && !heads.some((head) => head.dataset.key === state.sort)) {
      state.sort = "rank";
      state.down = false;
    }
  }

  function keep() {
    const said = new URLSearchParams();
    if (state.verdict) said.set("verdict", state.verdict);
    if (state.q) said.set("q", state.q);
    const sort = (state.down ? "-" : "") + state.sort;
    if (sort !== "rank") said.set("sort", sort);
    const hash = said.toString();
    history.replaceState(null, "", hash ? "#" + hash : location.pathname + location.search);
  }

  function compare(a, b) {
    const [x, y] = [a.dataset[state.sort], b.dataset[state.sort]];
    // What has no value comes last, whichever way is sorted.
    if (x === "" || y === "") return (x === "") - (y === "") || a.dataset.place - b.dataset.place;
    const way = numbers.has(state.sort) ? x - y : x < y ? -1 : x > y ? 1 : 0;
    return (state.down ? -way : way) || a.dataset.place - b.dataset.place;
  }

  function show() {
    const wanted = state.q.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const row of rows) {
      const fits = (!state.verdict || row.dataset.verdict === state.verdict)
        && wanted.every((word) => words.get(row).includes(word));
      row.hidden = !fits;
      count += fits ? 1 : 0;
    }
    body.append(...rows.slice().sort(compare));
    for (const head of heads) {
      if (head.dataset.key === state.sort) {
        head.setAttribute("aria-sort", state.down ? "descending" : "ascending");
      } else {
        head.removeAttribute("aria-sort");
      }
    }
    for (const chip of chips) chip.setAttribute("aria-pressed", String(chip.value === state.verdict));
    order.value = (state.down ? "-" : "") + state.sort;
    const all = Number(shown.dataset.all);
    const rest = all > rows.length ? `, of ${all.toLocaleString("en")} in all` : "";
    shown.textContent = `${count.toLocaleString("en")} of ${rows.length.toLocaleString("en")} listed${rest}`;
    noneLeft.style.display = count ? "none" : "block";
  }

  function change(what) {
    Object.assign(state, what);
    keep();
    show();
  }

  for (const head of heads) {
    if (!head.dataset.key) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    const largestFirst = head.dataset.first === "largest";
    button.addEventListener("click", () => {
      const again = state.sort === head.dataset.key;
      change({ sort: head.dataset.key, down: again ? !state.down : largestFirst });
    });
  }
  search.addEventListener("input", () => change({ q: search.value.trim() }));
  order.addEventListener("change", () => {
    change({ sort: order.value.replace(/^-/, ""), down: order.value.startsWith("-") });
  });
  for (const chip of chips) {
    chip.addEventListener("click", () => change({ verdict: chip.value }));
  }
  window.addEventListener("hashchange", () => { read(); show(); });
  for (const link of document.querySelectorAll("#verdict a")) {
    link.addEventListener("click", () => table.parentElement.scrollIntoView());
  }
  document.documentElement.classList.add("js");
  read();
  show();
})();
