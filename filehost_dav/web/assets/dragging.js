// Dragging onto a folder's view: files from outside are sent, rows of the list are moved into folders.

import { toast } from "./dialog.js";
import { h, icon } from "./dom.js";
import { gather, hasFiles } from "./drop.js";
import { count, say } from "./words.js";

const MOVING = "application/x-filehost-move";
const isMove = (event) => event.dataTransfer.types.includes(MOVING);

export class Dragging {
  #element;
  #list;
  #calls;
  #dragged = [];

  /** `calls`: folder() in view, send(found, folder), move(entries, folder). */
  constructor(element, list, calls) {
    this.#element = element;
    this.#list = list;
    this.#calls = calls;
    element.append(
      h(
        "div",
        { class: "drop-here", "aria-hidden": "true" },
        icon("upload"),
        h("strong", {}, say("drop.here")),
      ),
    );
    this.#receiveFiles();
    this.#moveRows();
  }

  /** Make a link to a folder a place to drop rows on. */
  target(link, path) {
    link.addEventListener("dragover", (event) => {
      if (!isMove(event) || path === this.#calls.folder()) return;
      event.preventDefault();
      link.classList.add("over");
    });
    link.addEventListener("dragleave", () => link.classList.remove("over"));
    link.addEventListener("drop", (event) => {
      link.classList.remove("over");
      if (isMove(event)) this.#dropRows(event, path);
    });
  }

  #receiveFiles() {
    const element = this.#element;
    element.addEventListener("dragover", (event) => {
      if (!hasFiles(event.dataTransfer)) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "copy";
      const row = this.#folderRow(event);
      this.#mark(row);
      element.classList.toggle("dropping", !row);
    });
    element.addEventListener("dragleave", (event) => {
      if (!element.contains(event.relatedTarget)) element.classList.remove("dropping");
    });
    element.addEventListener("drop", (event) => hasFiles(event.dataTransfer) && this.#dropFiles(event));
  }

  async #dropFiles(event) {
    event.preventDefault();
    this.#element.classList.remove("dropping");
    const folder = this.#entryOf(this.#folderRow(event))?.path ?? this.#calls.folder();
    this.#mark(null);
    try {
      this.#calls.send(await gather(event.dataTransfer), folder);
    } catch {
      toast(say("drop.unreadable"), { bad: true });
    }
  }

  #moveRows() {
    const { body } = this.#list;
    body.addEventListener("dragstart", (event) => this.#start(event));
    body.addEventListener("dragover", (event) => this.#over(event));
    body.addEventListener("dragleave", () => this.#mark(null));
    body.addEventListener("dragend", () => this.#mark(null));
    body.addEventListener("drop", (event) => {
      const entry = this.#entryOf(this.#folderRow(event));
      this.#mark(null);
      if (entry && isMove(event)) this.#dropRows(event, entry.path);
    });
  }

  #start(event) {
    const entry = this.#entryOf(event.target.closest(".row"));
    if (!entry) return;
    const chosen = this.#list.chosen;
    this.#dragged = chosen.includes(entry) ? chosen : [entry];
    event.dataTransfer.setData(MOVING, "move");
    event.dataTransfer.effectAllowed = "move";
    const text = this.#dragged.length === 1 ? entry.name : count("choice.count", this.#dragged.length);
    const label = h("div", { class: "dragged" }, text);
    document.body.append(label);
    event.dataTransfer.setDragImage(label, -12, -12);
    setTimeout(() => label.remove());
  }

  #over(event) {
    if (!isMove(event)) return;
    const row = this.#folderRow(event);
    const entry = this.#entryOf(row);
    const usable = entry && !this.#dragged.includes(entry);
    this.#mark(usable ? row : null);
    if (usable) event.preventDefault();
  }

  #dropRows(event, path) {
    event.preventDefault();
    event.stopPropagation();
    this.#calls.move(this.#dragged, path);
  }

  #folderRow(event) {
    const row = event.target.closest?.(".rows .row");
    return this.#entryOf(row)?.folder ? row : null;
  }

  #entryOf(row) {
    return row ? this.#list.entries[Number(row.dataset.index)] : null;
  }

  #mark(row) {
    for (const other of this.#list.body.querySelectorAll(".over"))
      if (other !== row) other.classList.remove("over");
    row?.classList.add("over");
  }
}
