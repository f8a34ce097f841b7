// The list of a folder: thousands of entries, of which only the rows in sight exist as elements.

import { h, icon } from "./dom.js";
import { kindOf } from "./files.js";
import { byName, exactMoment, moment, say, size } from "./words.js";
import { thumbnail } from "./thumbnails.js";

const SPARE = 8; // rows kept ready above and below
const ORDERS = {
  name: (a, b) => byName(a.name, b.name),
  size: (a, b) => a.size - b.size || byName(a.name, b.name),
  modified: (a, b) => a.modified - b.modified || byName(a.name, b.name),
};

/** Sorted with folders first, whatever the direction. */
export function sorted(entries, { by, down }) {
  const order = ORDERS[by];
  const turn = down ? -1 : 1;
  return [...entries].sort((a, b) => b.folder - a.folder || turn * order(a, b));
}

export class List {
  #entries = [];
  #rows = new Map();
  #chosen = new Set();
  #active = 0;
  #anchor = 0;
  #calls;
  #order = { by: "name", down: false };

  /** `calls`: open(entry), changed(chosen), menu(entry, place), order(order), key(event). */
  constructor(calls) {
    this.#calls = calls;
    this.body = h("div", { class: "rows", role: "rowgroup" });
    this.heads = ["name", "size", "modified"].map((by) => this.#head(by));
    this.all = h(
      "button",
      {
        type: "button",
        class: "tick",
        "aria-label": say("list.all"),
        title: say("list.all"),
        onclick: () => this.#chooseAllOrNone(),
      },
      icon("check"),
    );
    this.head = h(
      "div",
      { class: "row head", role: "row", "aria-rowindex": "1" },
      h("span", { class: "cell choose", role: "columnheader" }, this.all),
      ...this.heads,
      h(
        "span",
        { class: "cell more", role: "columnheader" },
        h("span", { class: "unseen" }, say("list.actions")),
      ),
    );
    this.scroller = h("div", { class: "scroller", role: "presentation" }, this.body);
    this.element = h(
      "div",
      { class: "list", role: "grid", "aria-multiselectable": "true", "aria-label": say("list.label") },
      h("div", { role: "rowgroup", class: "head-group" }, this.head),
      this.scroller,
    );
    this.scroller.addEventListener("scroll", () => this.#draw(), { passive: true });
    this.#listen();
    new ResizeObserver(() => this.#measure()).observe(this.scroller);
  }

  get entries() {
    return this.#entries;
  }

  get chosen() {
    return this.#entries.filter((entry) => this.#chosen.has(entry.path));
  }

  get active() {
    return this.#entries[this.#active];
  }

  /** Show these, already sorted. What was chosen stays chosen where it still exists. */
  show(entries, order, focus = null) {
    const active = focus ?? this.active?.path;
    const focused = this.body.contains(document.activeElement);
    this.#entries = entries;
    this.#order = order;
    const paths = new Set(entries.map((entry) => entry.path));
    this.#chosen = new Set([...this.#chosen].filter((path) => paths.has(path)));
    this.#active = Math.max(
      0,
      entries.findIndex((entry) => entry.path === active),
    );
    this.element.setAttribute("aria-rowcount", String(entries.length + 1));
    for (const row of this.#rows.values()) row.remove();
    this.#rows.clear();
    this.heads.forEach((head) => this.#markHead(head));
    this.#measure();
    this.#tell();
    // A list that is read again while somebody is in it must not throw them out.
    if (focused) this.#rows.get(this.#active)?.focus({ preventScroll: true });
  }

  top() {
    this.scroller.scrollTop = 0;
    this.#active = this.#anchor = 0;
    this.#draw();
  }

  clear() {
    this.#chosen.clear();
    this.#redraw();
  }

  choose(paths) {
    this.#chosen = new Set(paths);
    this.#redraw();
  }

  /** Put the focus on the active row, or on the one with this path. */
  focus(path = null) {
    const index = path ? this.#entries.findIndex((entry) => entry.path === path) : this.#active;
    if (index >= 0) this.#go(index);
  }

  // Drawing.

  #measure() {
    this.height = parseFloat(getComputedStyle(this.element).getPropertyValue("--row")) || 48;
    this.body.style.height = `${this.#entries.length * this.height}px`;
    for (const [index, row] of this.#rows) row.style.transform = `translateY(${index * this.height}px)`;
    this.#draw();
  }

  #draw() {
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / this.height) - SPARE);
    const last = Math.min(
      this.#entries.length,
      Math.ceil((this.scroller.scrollTop + this.scroller.clientHeight) / this.height) + SPARE,
    );
    for (const [index, row] of this.#rows) {
      // The row with the focus stays, wherever it is: the keyboard must not lose its place.
      if ((index < first || index >= last) && index !== this.#active) {
        row.remove();
        this.#rows.delete(index);
      }
    }
    const fresh = [];
    for (let index = first; index < last; index++) if (!this.#rows.has(index)) fresh.push(index);
    if (this.#entries.length && !this.#rows.has(this.#active)) fresh.push(this.#active);
    for (const index of fresh) this.#place(index);
  }

  #place(index) {
    if (this.#rows.has(index)) return;
    const row = this.#row(index);
    row.style.transform = `translateY(${index * this.height}px)`;
    this.#rows.set(index, row);
    this.body.insertBefore(row, this.#after(index));
  }

  /** The row before which the one of this index stands: screen readers read in the order of the document. */
  #after(index) {
    let after = null;
    for (
      let row = this.body.lastElementChild;
      row && Number(row.dataset.index) > index;
      row = row.previousElementSibling
    )
      after = row;
    return after;
  }

  #row(index) {
    const entry = this.#entries[index];
    const kind = kindOf(entry);
    const row = model(kind).cloneNode(true);
    const [, main, bytes, time, more] = row.children;
    const [picture, words] = main.children;
    const [link, detail] = words.children;
    row.dataset.index = index;
    row.setAttribute("aria-rowindex", index + 2);
    link.textContent = link.title = entry.name;
    link.href = this.#calls.address(entry);
    detail.textContent = this.#detail(entry);
    bytes.textContent = entry.folder ? "" : size(entry.size);
    time.textContent = moment(entry.modified);
    time.title = exactMoment(entry.modified);
    more.firstChild.setAttribute("aria-label", say("list.menu", { name: entry.name }));
    if (kind === "image") thumbnail(entry, picture);
    this.#mark(row, index);
    return row;
  }

  #detail(entry) {
    return entry.folder ? moment(entry.modified) : `${size(entry.size)} · ${moment(entry.modified)}`;
  }

  #mark(row, index) {
    const chosen = this.#chosen.has(this.#entries[index].path);
    row.setAttribute("aria-selected", String(chosen));
    row.tabIndex = index === this.#active ? 0 : -1;
  }

  #redraw() {
    for (const [index, row] of this.#rows) this.#mark(row, index);
    this.#draw();
    this.#tell();
  }

  #tell() {
    const some = this.#chosen.size > 0;
    const every = some && this.#chosen.size === this.#entries.length;
    this.all.setAttribute("aria-pressed", every ? "true" : some ? "mixed" : "false");
    this.element.classList.toggle("choosing", some);
    this.#calls.changed(this.chosen);
  }

  #head(by) {
    const head = h("span", {
      class: `cell ${{ name: "main", size: "size", modified: "time" }[by]}`,
      role: "columnheader",
      "data-by": by,
    });
    head.append(
      h(
        "button",
        {
          type: "button",
          class: "sort",
          onclick: () =>
            this.#calls.order({ by, down: this.#order.by === by ? !this.#order.down : by !== "name" }),
        },
        h("span", {}, say(`list.${by}`)),
        icon("down"),
      ),
    );
    return head;
  }

  #markHead(head) {
    const current = head.dataset.by === this.#order.by;
    head.setAttribute("aria-sort", current ? (this.#order.down ? "descending" : "ascending") : "none");
  }

  // Choosing and moving.

  /** One set of listeners for all rows: they come and go by the thousand. */
  #listen() {
    const on = (kind, act) =>
      this.body.addEventListener(kind, (event) => {
        const row = event.target.closest(".row");
        if (row) act(event, Number(row.dataset.index));
      });
    on("click", (event, index) => this.#click(event, index));
    on(
      "dblclick",
      (event, index) => event.target.closest(".choose, .more") || this.#calls.open(this.#entries[index]),
    );
    on("contextmenu", (event, index) => this.#context(event, index));
    on("focusin", (event, index) => {
      if (this.#active === index) return;
      this.#active = index;
      this.#redraw();
    });
    this.body.addEventListener("keydown", (event) => this.#key(event));
  }

  #click(event, index) {
    const entry = this.#entries[index];
    const more = event.target.closest(".more button");
    const plain = !(event.ctrlKey || event.metaKey || event.shiftKey);
    if (more) return this.#calls.menu(entry, more.getBoundingClientRect());
    if (event.target.closest("a.name")) {
      if (!plain) return; // a new tab or window, as with any link
      event.preventDefault();
      this.#active = index;
      return this.#calls.open(entry);
    }
    const touch = event.pointerType === "touch";
    if (event.shiftKey) this.#range(index);
    else if (event.target.closest(".choose") || !plain || (touch && this.#chosen.size)) this.#toggle(index);
    else if (touch) this.#calls.open(entry);
    else this.#only(index);
    this.#rows.get(index)?.focus({ preventScroll: true });
  }

  #context(event, index) {
    const entry = this.#entries[index];
    event.preventDefault();
    if (!this.#chosen.has(entry.path)) this.#only(index);
    this.#calls.menu(entry, new DOMRect(event.clientX, event.clientY, 0, 0));
  }

  #toggle(index) {
    const path = this.#entries[index].path;
    if (!this.#chosen.delete(path)) this.#chosen.add(path);
    this.#active = this.#anchor = index;
    this.#redraw();
  }

  #only(index) {
    this.#chosen = new Set([this.#entries[index].path]);
    this.#active = this.#anchor = index;
    this.#redraw();
  }

  #range(index) {
    const [from, to] = index < this.#anchor ? [index, this.#anchor] : [this.#anchor, index];
    this.#chosen = new Set(this.#entries.slice(from, to + 1).map((entry) => entry.path));
    this.#active = index;
    this.#redraw();
  }

  #chooseAllOrNone() {
    const all = this.#chosen.size === this.#entries.length;
    this.#chosen = new Set(all ? [] : this.#entries.map((entry) => entry.path));
    this.#redraw();
  }

  #go(index, extend = false) {
    const target = Math.min(Math.max(0, index), this.#entries.length - 1);
    if (target < 0) return;
    if (extend) this.#range(target);
    else {
      this.#active = this.#anchor = target;
      this.#redraw();
    }
    const top = target * this.height;
    const view = this.scroller;
    if (top < view.scrollTop) view.scrollTop = top;
    else if (top + this.height > view.scrollTop + view.clientHeight)
      view.scrollTop = top + this.height - view.clientHeight;
    this.#draw();
    this.#rows.get(target)?.focus({ preventScroll: true });
  }

  #key(event) {
    if (event.target.closest("button, a") && event.key !== "Escape") return;
    const page = Math.max(1, Math.floor(this.scroller.clientHeight / this.height) - 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    const control = event.ctrlKey || event.metaKey;
    if (event.key in steps && !event.altKey) this.#go(this.#active + steps[event.key], event.shiftKey);
    else if (event.key === " " && !control) this.#toggle(this.#active);
    else if (event.key === "Enter" && !event.altKey) this.#calls.open(this.active);
    else if (event.key.toLowerCase() === "a" && control) this.#chooseAllOrNone();
    else if (event.key === "ContextMenu" || (event.key === "F10" && event.shiftKey)) this.#openMenu();
    else if (!this.#calls.key(event)) return;
    event.preventDefault();
  }

  #openMenu() {
    const row = this.#rows.get(this.#active);
    if (row) this.#calls.menu(this.active, row.querySelector(".more").getBoundingClientRect());
  }
}

const models = new Map();

/** An empty row for a kind of entry, made once and copied: that is much quicker than making each anew. */
function model(kind) {
  if (!models.has(kind)) {
    const cell = (name, ...children) => h("span", { class: `cell ${name}`, role: "gridcell" }, ...children);
    const link = h("a", { tabindex: "-1", draggable: "false", class: "name" });
    const more = h(
      "button",
      { type: "button", class: "quiet", tabindex: "-1", title: say("list.actions"), "aria-haspopup": "menu" },
      icon("more"),
    );
    models.set(
      kind,
      h(
        "div",
        { class: "row", role: "row", draggable: "true" },
        cell("choose", h("span", { class: "tick", "aria-hidden": "true" }, icon("check"))),
        cell(
          "main",
          h("span", { class: `kind ${kind}` }, icon(kind)),
          h("span", { class: "words" }, link, h("span", { class: "small" })),
        ),
        cell("size"),
        cell("time"),
        cell("more", more),
      ),
    );
  }
  return models.get(kind);
}
