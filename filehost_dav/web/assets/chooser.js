// A dialogue that asks for a folder: the target of a move or a copy.

import * as dav from "./dav.js";
import { dialog } from "./dialog.js";
import { button, h } from "./dom.js";
import { isWithin, join, nameOf, parent } from "./files.js";
import { byName, say } from "./words.js";

/** The path of the folder chosen, or null. Folders in `without` cannot be chosen: nothing goes into itself. */
export function chooseFolder(title, action, start, without = []) {
  return dialog(
    title,
    (close) => {
      const trail = h("p", { class: "trail" });
      const list = h("ul", { class: "folders", "aria-label": say("chooser.folders") });
      const done = button(action, { cls: "primary", onclick: () => close(here) });
      let here = start;

      async function go(path, focus = true) {
        here = path;
        trail.replaceChildren(
          path === "/"
            ? ""
            : button(say("chooser.up"), { glyph: "up", quiet: true, onclick: () => go(parent(path)) }),
          h("strong", {}, path === "/" ? say("place.home") : nameOf(path)),
        );
        list.replaceChildren(h("li", { class: "small" }, say("loading")));
        let folders;
        try {
          folders = (await dav.list(path)).filter(
            (entry) => entry.folder && !without.some((one) => isWithin(entry.path, one)),
          );
        } catch (error) {
          list.replaceChildren(h("li", { class: "problem" }, error.message));
          return;
        }
        if (here !== path) return;
        folders.sort((a, b) => byName(a.name, b.name));
        const rows = folders.map(({ name }) =>
          h("li", {}, button(name, { glyph: "files", onclick: () => go(join(path, name)) })),
        );
        list.replaceChildren(...(rows.length ? rows : [h("li", { class: "small" }, say("chooser.none"))]));
        if (focus) (list.querySelector("button") ?? done).focus();
      }

      go(start, false);
      return [
        trail,
        list,
        h("div", { class: "buttons" }, button(say("cancel"), { onclick: () => close() }), done),
      ];
    },
    { cls: "wide" },
  );
}
