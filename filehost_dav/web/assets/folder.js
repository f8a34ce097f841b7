// The view of a folder: its list, what can be done with it, and everything that is dropped on it.

import * as actions from "./actions.js";
import * as dav from "./dav.js";
import { menu, toast } from "./dialog.js";
import { announce, button, h, icon } from "./dom.js";
import { Dragging } from "./dragging.js";
import { chosen, pasted } from "./drop.js";
import { encode, nameOf, parent } from "./files.js";
import { List, sorted } from "./list.js";
import { preview } from "./preview.js";
import { versionsDialog } from "./trash.js";
import { count, data, say } from "./words.js";

export class FolderView {
  #calls;
  #all = [];
  #order = remembered();
  #loading = null;
  #shown = null;
  #preview = null;

  /** `calls`: go(path), look(name or null), upload(folder, found), changed(). */
  constructor(calls) {
    this.#calls = calls;
    this.path = "/";
    this.list = new List({
      open: (entry) => this.open(entry),
      address: (entry) => encode(entry.path) + (entry.folder ? "/" : ""),
      changed: (entries) => this.#showChosen(entries),
      menu: (entry, place) => this.#menu(entry, place),
      order: (order) => this.#sort(order),
      key: (event) => this.key(event),
    });
    this.filter = h("input", {
      type: "search",
      class: "filter",
      placeholder: say("filter.short"),
      "aria-label": say("filter.label"),
      oninput: () => this.#draw(),
      onkeydown: (event) => this.#filterKey(event),
    });
    this.title = h("h1", { class: "unseen" });
    this.trail = h("nav", { class: "trail", "aria-label": say("trail.label") });
    this.input = h("input", {
      type: "file",
      multiple: true,
      hidden: true,
      onchange: () => this.#send(chosen(this.input), this.input),
    });
    this.folderInput = h("input", {
      type: "file",
      webkitdirectory: true,
      hidden: true,
      onchange: () => this.#send(chosen(this.folderInput), this.folderInput),
    });
    const uploadMenu = button(say("upload.more"), {
      glyph: "down",
      quiet: true,
      cls: "primary-more",
      "aria-haspopup": "menu",
      onclick: (event) => this.#uploadMenu(event.currentTarget),
    });
    this.tools = h(
      "div",
      { class: "tools" },
      h("span", { class: "search" }, icon("search"), this.filter),
      button(say("folder.new"), { glyph: "folderNew", cls: "fold", onclick: () => this.makeFolder() }),
      h(
        "span",
        { class: "joined" },
        button(say("upload.button"), { glyph: "upload", cls: "primary", onclick: () => this.input.click() }),
        uploadMenu,
      ),
    );
    this.bar = this.#choiceBar();
    this.state = h("div", { class: "state", hidden: true });
    this.element = h(
      "div",
      { class: "folder" },
      this.title,
      h("div", { class: "bar" }, this.trail, this.tools, this.bar),
      this.list.element,
      this.state,
      this.input,
      this.folderInput,
    );
    this.dragging = new Dragging(this.element, this.list, {
      folder: () => this.path,
      send: (found, folder) => this.#send(found, null, folder),
      move: (entries, folder) => this.#move(entries, folder),
    });
  }

  /** Show a folder; then the file named `look`, if any. */
  async show(path, look = null) {
    const same = path === this.path && this.#shown === path;
    this.path = path;
    this.#drawTrail();
    if (!same) {
      this.filter.value = "";
      this.list.clear();
      this.list.show([], this.#order);
      this.list.top();
    }
    if (!same || !this.#all.length) await this.load();
    this.#look(look);
  }

  /** Read the folder again. `focus`: the path of an entry to go to. */
  async load(focus = null) {
    this.#loading?.abort();
    const loading = (this.#loading = new AbortController());
    const path = this.path;
    const slow = setTimeout(() => this.#say("loading"), 300);
    try {
      this.#all = await dav.list(path, loading.signal);
      this.#shown = path;
      this.#draw(focus);
      if (focus) this.list.focus(focus);
    } catch (error) {
      if (error.name === "AbortError") return;
      this.#all = [];
      this.list.show([], this.#order);
      this.#shown = null;
      this.#fail(error);
    } finally {
      clearTimeout(slow);
    }
  }

  focus() {
    if (this.list.entries.length) this.list.focus();
    else this.trail.querySelector("[aria-current]")?.focus();
  }

  open(entry) {
    if (!entry) return;
    if (entry.folder) this.#calls.go(entry.path);
    else this.#calls.look(entry.name);
  }

  async makeFolder() {
    const path = await actions.newFolder(this.path);
    if (path) this.#after(path);
  }

  /** Keys that work wherever the focus is in the folder; whether this was one. */
  key(event) {
    const control = event.ctrlKey || event.metaKey;
    const entries = this.#targets();
    if (event.key === "Delete" || (event.key === "Backspace" && event.metaKey)) this.#remove(entries);
    else if (event.key === "F2" && entries.length === 1) this.#rename(entries[0]);
    else if (event.key === "Backspace" || (event.key === "ArrowUp" && event.altKey)) this.up();
    else if (event.key === "Escape" && (this.list.chosen.length || this.filter.value)) this.#reset();
    else if (event.key.length === 1 && event.key !== " " && !control && !event.altKey) this.#typed(event.key);
    else return false;
    return true;
  }

  up() {
    if (this.path !== "/") this.#calls.go(parent(this.path), this.path);
  }

  // Drawing.

  #draw(focus = null) {
    const wanted = this.filter.value.trim().toLocaleLowerCase();
    const entries = wanted
      ? this.#all.filter((entry) => entry.name.toLocaleLowerCase().includes(wanted))
      : this.#all;
    this.list.show(sorted(entries, this.#order), this.#order, focus);
    if (!entries.length) this.#say(wanted ? "none" : "empty");
    else {
      this.state.hidden = true;
      this.list.element.hidden = false;
    }
    announce(wanted ? count("filter.found", entries.length) : count("list.count", entries.length));
  }

  #say(what) {
    this.list.element.hidden = true;
    this.state.hidden = false;
    const act = {
      empty: [
        icon("files"),
        h("h2", {}, say("empty.title")),
        h("p", {}, say(matchMedia("(hover: none)").matches ? "empty.touch" : "empty.text")),
        this.#allowed(),
      ],
      none: [
        icon("search"),
        h("h2", {}, say("filter.none")),
        button(say("filter.clear"), { onclick: () => this.#reset() }),
      ],
      loading: [h("p", { class: "waiting" }, say("loading"))],
    };
    this.state.replaceChildren(...act[what].filter(Boolean));
  }

  #allowed() {
    if (!data.extensions) return null;
    return h("p", { class: "small" }, say("empty.types", { types: data.extensions.join(", ") }));
  }

  #fail(error) {
    this.list.element.hidden = true;
    this.state.hidden = false;
    const missing = error.status === 404 || error.status === 409;
    this.state.replaceChildren(
      icon("error"),
      h("h2", {}, say(missing ? "missing.title" : "problem.title")),
      h("p", {}, missing ? say("missing.text") : error.message),
      missing
        ? button(say("missing.home"), { cls: "primary", onclick: () => this.#calls.go("/") })
        : button(say("retry"), { cls: "primary", glyph: "retry", onclick: () => this.load() }),
    );
    announce(missing ? say("missing.title") : error.message);
  }

  #drawTrail() {
    this.title.textContent = this.path === "/" ? say("place.home") : nameOf(this.path);
    const parts = this.path === "/" ? [] : this.path.slice(1).split("/");
    const steps = ["/", ...parts.map((_, index) => `/${parts.slice(0, index + 1).join("/")}`)];
    const items = steps.map((path) => {
      const here = path === this.path;
      const name = path === "/" ? say("place.home") : nameOf(path);
      const link = h(
        "a",
        {
          href: `${encode(path)}${path === "/" ? "" : "/"}`,
          title: name,
          ...(here ? { "aria-current": "page" } : {}),
        },
        name,
      );
      link.addEventListener("click", (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        this.#calls.go(path);
      });
      this.dragging.target(link, path);
      return h("li", {}, link);
    });
    this.trail.replaceChildren(h("ol", {}, ...items));
  }

  #choiceBar() {
    this.chosenCount = h("strong", { class: "grow" });
    this.one = button(say("action.rename"), {
      glyph: "rename",
      cls: "fold",
      onclick: () => this.#rename(this.list.chosen[0]),
    });
    return h(
      "div",
      { class: "choice", role: "toolbar", "aria-label": say("list.actions"), hidden: true },
      button(say("choice.clear"), {
        glyph: "close",
        quiet: true,
        onclick: () => (this.list.clear(), this.list.focus()),
      }),
      this.chosenCount,
      button(say("action.download"), {
        glyph: "download",
        cls: "fold",
        onclick: () => actions.download(this.list.chosen, this.path),
      }),
      this.one,
      button(say("action.move"), { glyph: "move", cls: "fold", onclick: () => this.#move(this.list.chosen) }),
      button(say("action.copy"), { glyph: "copy", cls: "fold", onclick: () => this.#copy(this.list.chosen) }),
      button(say("action.delete"), {
        glyph: "trash",
        cls: "fold danger",
        onclick: () => this.#remove(this.list.chosen),
      }),
    );
  }

  #showChosen(entries) {
    const some =
      entries.length > 1 || (entries.length === 1 && this.list.element.classList.contains("choosing"));
    this.bar.hidden = !some;
    this.tools.hidden = some;
    this.chosenCount.textContent = count("choice.count", entries.length);
    this.one.hidden = entries.length !== 1;
  }

  // Acting.

  #targets() {
    const entries = this.list.chosen;
    return entries.length ? entries : [this.list.active].filter(Boolean);
  }

  #menu(entry, place) {
    const chosen = this.list.chosen;
    const entries = chosen.includes(entry) ? chosen : [entry];
    const one = entries.length === 1;
    menu(
      [
        ...(one
          ? [
              {
                label: say(entry.folder ? "action.open" : "action.view"),
                glyph: "open",
                act: () => this.open(entry),
              },
            ]
          : []),
        {
          label: say(one && !entry.folder ? "action.download" : "action.zip"),
          glyph: "download",
          act: () => actions.download(entries, this.path),
        },
        null,
        ...(one ? [{ label: say("action.rename"), glyph: "rename", act: () => this.#rename(entry) }] : []),
        { label: say("action.move"), glyph: "move", act: () => this.#move(entries) },
        { label: say("action.copy"), glyph: "copy", act: () => this.#copy(entries) },
        ...(one && !entry.folder
          ? [{ label: say("action.versions"), glyph: "history", act: () => this.#versions(entry) }]
          : []),
        null,
        { label: say("action.delete"), glyph: "trash", danger: true, act: () => this.#remove(entries) },
      ],
      place,
      say("list.menu", { name: entry.name }),
    );
  }

  #uploadMenu(source) {
    menu(
      [
        { label: say("upload.files"), glyph: "upload", act: () => this.input.click() },
        { label: say("upload.folder"), glyph: "files", act: () => this.folderInput.click() },
      ],
      source.getBoundingClientRect(),
      say("upload.more"),
    );
  }

  async #rename(entry) {
    const path = entry && (await actions.rename(entry));
    if (path) this.#after(path);
  }

  async #move(entries, target = null) {
    if (entries.length && (await actions.moveTo(entries, this.path, target))) this.#after();
  }

  async #copy(entries) {
    if (entries.length && (await actions.copyTo(entries, this.path))) this.#after();
  }

  async #remove(entries) {
    if (!entries.length) return;
    const index = this.list.entries.indexOf(entries[0]);
    if (!(await actions.remove(entries, () => this.#after()))) return;
    const next = this.list.entries.filter((entry) => !entries.includes(entry));
    await this.#after((next[index] ?? next[index - 1] ?? next.at(-1))?.path);
  }

  async #versions(entry) {
    if (await versionsDialog(entry).catch((error) => toast(error.message, { bad: true })))
      this.#after(entry.path);
  }

  async #after(focus = null) {
    this.list.clear();
    this.#calls.changed();
    await this.load(focus);
  }

  #look(name) {
    const entry = name ? this.#all.find((one) => one.name === name && !one.folder) : null;
    if (!entry) {
      this.#preview?.close();
      this.#preview = null;
      if (name && this.#shown) toast(say("missing.file", { name }), { bad: true });
      return;
    }
    if (this.#preview) return;
    this.#preview = preview(entry, this.list.entries, {
      changed: (other) => this.#calls.look(other.name, true),
      closed: (last) => {
        this.#preview = null;
        this.#calls.look(null);
        this.list.focus(last.path);
      },
      act: async (what, target) => {
        if (what === "versions") return this.#versions(target);
        this.#preview.close();
        return this.#remove([target]);
      },
    });
  }

  #sort(order) {
    this.#order = order;
    remember(order);
    this.#draw();
  }

  #reset() {
    const filtered = this.filter.value !== "";
    this.filter.value = "";
    this.list.clear();
    if (filtered) this.#draw();
    this.list.focus();
  }

  #typed(letter) {
    this.filter.focus();
    this.filter.value += letter === "/" ? "" : letter;
    this.#draw();
  }

  #filterKey(event) {
    if (event.key === "Escape") this.#reset();
    else if (event.key === "ArrowDown" || event.key === "Enter") this.list.focus();
    else return;
    event.preventDefault();
  }

  #send(found, input = null, folder = this.path) {
    if (input) input.value = "";
    if (found.length) this.#calls.upload(folder, found);
  }

  /** Take what is pasted, wherever the focus is. */
  paste(event) {
    if (event.target.closest?.("input, textarea")) return;
    const found = pasted(event.clipboardData);
    if (!found.length) return;
    event.preventDefault();
    this.#send(found);
  }
}

function remembered() {
  try {
    const order = JSON.parse(localStorage.getItem("order"));
    if (["name", "size", "modified"].includes(order?.by)) return { by: order.by, down: Boolean(order.down) };
  } catch {
    // A browser that keeps nothing sorts by name.
  }
  return { by: "name", down: false };
}

function remember(order) {
  try {
    localStorage.setItem("order", JSON.stringify(order));
  } catch {
    // Then it lasts until the page is left.
  }
}
