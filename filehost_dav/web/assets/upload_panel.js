// The uploads as the visitor sees them: in all and one by one, with what can be done about each.

import { announce, button, h, icon } from "./dom.js";
import { extension, kindOf, nameOf } from "./files.js";
import { count, duration, number, say, size } from "./words.js";

const SHOWN = 60; // of each kind; the rest is counted

export class UploadPanel {
  #uploads;
  #waiting = false;
  #rows = new Map();
  #said = 0;

  constructor(uploads) {
    this.#uploads = uploads;
    this.title = h("h2", { id: "uploads-title" });
    this.state = h("p", { class: "small" });
    this.bar = h("progress", { max: "1", value: "0", "aria-labelledby": "uploads-title" });
    this.list = h("ul", {});
    this.more = h("p", { class: "small rest" });
    this.fold = button(say("uploads.fold"), {
      glyph: "down",
      quiet: true,
      "aria-expanded": "true",
      onclick: () => this.#fold(),
    });
    this.stop = button(say("uploads.cancelAll"), { cls: "small-button", onclick: () => uploads.cancelAll() });
    this.again = button(say("uploads.retryAll"), {
      cls: "small-button",
      onclick: () => this.#uploads.retryAll(),
    });
    this.close = button(say("close"), { glyph: "close", quiet: true, onclick: () => uploads.clear() });
    this.element = h(
      "section",
      { class: "uploads", "aria-labelledby": "uploads-title", hidden: true },
      h(
        "header",
        {},
        h("div", { class: "grow" }, this.title, this.state),
        this.again,
        this.stop,
        this.fold,
        this.close,
      ),
      this.bar,
      h(
        "div",
        { class: "upload-list", tabindex: "0", role: "group", "aria-labelledby": "uploads-title" },
        this.list,
        this.more,
      ),
    );
  }

  /** The queue changed: draw once per frame, however often it does. */
  changed() {
    if (this.#waiting) return;
    this.#waiting = true;
    requestAnimationFrame(() => {
      this.#waiting = false;
      this.#draw();
    });
  }

  #draw() {
    const { items } = this.#uploads;
    this.element.hidden = !items.length;
    if (!items.length) return this.#forget();
    const open = items.filter((item) => item.isOpen);
    const bad = items.filter((item) => item.state === "failed" || item.state === "refused");
    const done = items.filter((item) => item.state === "done").length;
    this.title.textContent = open.length
      ? count("uploads.sending", open.length)
      : bad.length
        ? count("uploads.problems", bad.length)
        : count("uploads.done", done);
    const { total, sent, rate, left } = this.#uploads.progress;
    this.bar.hidden = !open.length;
    this.bar.value = total ? sent / total : 1;
    this.state.textContent = open.length ? this.#speed(sent, total, rate, left) : "";
    this.stop.hidden = !open.length;
    this.again.hidden = open.length > 0 || !bad.some((item) => item.state === "failed");
    this.close.hidden = open.length > 0;
    this.#leaveSoon(open.length + bad.length === 0);
    this.#drawRows([...bad, ...open, ...items.filter((item) => !item.isOpen && !bad.includes(item)).reverse()]);
    this.#say(open.length, done, bad.length, total ? sent / total : 1);
  }

  /** When all went well the list itself shows it: the panel goes, unless somebody looks at it. */
  #leaveSoon(well) {
    clearTimeout(this.leaving);
    if (!well) return;
    this.leaving = setTimeout(() => {
      if (this.element.matches(":hover, :focus-within")) this.#leaveSoon(true);
      else this.#uploads.clear();
    }, 8000);
  }

  #speed(sent, total, rate, left) {
    const parts = [say("uploads.sent", { sent: size(sent), total: size(total) })];
    if (rate > 0) parts.push(say("uploads.rate", { rate: size(rate) }));
    if (left !== null && Number.isFinite(left) && rate > 0)
      parts.push(say("uploads.left", { time: duration(left) }));
    return parts.join(" · ");
  }

  #drawRows(items) {
    const shown = items.slice(0, SHOWN);
    const keep = new Set(shown);
    for (const [item, row] of this.#rows) {
      if (keep.has(item)) continue;
      row.element.remove();
      this.#rows.delete(item);
    }
    shown.forEach((item, index) => {
      if (!this.#rows.has(item)) this.#rows.set(item, this.#row(item));
      const { element, update } = this.#rows.get(item);
      if (this.list.children[index] !== element)
        this.list.insertBefore(element, this.list.children[index] ?? null);
      update();
    });
    const rest = items.length - shown.length;
    this.more.hidden = rest === 0;
    this.more.textContent = count("uploads.more", rest);
  }

  #row(item) {
    const name = nameOf(item.path);
    const title = h("span", { class: "name", title: item.path });
    const state = h("span", { class: "small state" });
    const bar = h("progress", { max: "1", value: "0", "aria-label": say("uploads.progress", { name }) });
    const cancel = button(say("uploads.cancel", { name }), {
      glyph: "close",
      quiet: true,
      onclick: () => this.#uploads.cancel(item),
    });
    const retry = button(say("uploads.retry", { name }), {
      glyph: "retry",
      quiet: true,
      onclick: () => this.#uploads.retry(item),
    });
    const picture = h(
      "span",
      { class: `kind ${kindOf({ name })}` },
      icon(kindOf({ name, ending: extension(name) })),
    );
    const element = h("li", {}, picture, h("div", { class: "grow" }, title, bar, state), retry, cancel);
    let drawn = "";
    const update = () => {
      const key = `${item.state} ${item.sent} ${item.reason} ${item.path}`;
      if (key === drawn) return;
      drawn = key;
      element.className = item.state;
      title.textContent = nameOf(item.path);
      state.textContent = this.#words(item);
      bar.hidden = item.state !== "sending";
      bar.value = item.file.size ? item.sent / item.file.size : 1;
      cancel.hidden = !item.isOpen;
      retry.hidden = item.state !== "failed";
    };
    return { element, update };
  }

  #words(item) {
    if (item.reason) return item.reason;
    if (item.state === "sending") return this.#speed(item.sent, item.file.size, item.rate, item.left);
    if (item.state === "done") return size(item.file.size);
    return say(`upload.${item.state}`);
  }

  /** Screen readers hear the quarters and the end, not every byte. */
  #say(open, done, bad, share) {
    const quarter = open ? Math.floor(share * 4) : 5;
    if (quarter === this.#said) return;
    this.#said = quarter;
    if (quarter === 5) announce(bad ? `${count("uploads.problems", bad)}` : count("uploads.done", done));
    else if (quarter > 0) announce(say("uploads.share", { n: number(quarter * 25) }));
  }

  #fold() {
    const open = this.element.classList.toggle("folded");
    this.fold.setAttribute("aria-expanded", String(!open));
  }

  #forget() {
    for (const { element } of this.#rows.values()) element.remove();
    this.#rows.clear();
    this.#said = 0;
  }
}
