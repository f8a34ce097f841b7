// The trash, and the earlier contents of a file: to look at, bring back, or remove for good.

import * as dav from "./dav.js";
import { choose, dialog, toast } from "./dialog.js";
import { button, h, icon } from "./dom.js";
import { encode, kindOf, nameOf, parent } from "./files.js";
import { count, exactMoment, moment, say, size } from "./words.js";

const SHOWN = 500; // the newest; the rest is counted

/** The trash as a view. `changed()` is called when something came back or is gone for good. */
export async function trashView(changed) {
  const items = await dav.trash();
  const view = h("div", { class: "trash" });
  const draw = () => {
    view.replaceChildren(
      h("h1", { tabindex: "-1" }, say("place.trash")),
      items.length
        ? h(
            "div",
            { class: "trash-top" },
            h("p", { class: "lead" }, say("trash.lead")),
            button(say("trash.empty"), { cls: "danger", glyph: "trash", onclick: empty }),
          )
        : "",
      items.length
        ? h("ul", { class: "cards" }, ...items.slice(0, SHOWN).map(card))
        : h(
            "div",
            { class: "state" },
            icon("trash"),
            h("h2", {}, say("trash.nothing")),
            h("p", {}, say("trash.nothing.help")),
          ),
      items.length > SHOWN ? h("p", { class: "small" }, count("uploads.more", items.length - SHOWN)) : "",
    );
  };
  const drop = (item) => {
    items.splice(items.indexOf(item), 1);
    draw();
    view.querySelector("h1").focus();
    changed();
  };

  function card(item) {
    const name = nameOf(item.origin);
    return h(
      "li",
      {},
      h(
        "span",
        { class: `kind ${kindOf({ name, folder: item.folder })}` },
        icon(kindOf({ name, folder: item.folder })),
      ),
      h(
        "div",
        { class: "grow" },
        h("span", { class: "name" }, name),
        h(
          "span",
          { class: "small" },
          say("trash.where", {
            folder: folderName(item.origin),
            time: moment(item.deleted),
            size: size(item.size),
          }),
        ),
      ),
      button(say("trash.restore"), {
        glyph: "restore",
        "aria-label": say("trash.restore.name", { name }),
        onclick: () => back(item),
      }),
      button(say("trash.purge.name", { name }), { glyph: "close", quiet: true, onclick: () => purge(item) }),
    );
  }

  async function back(item) {
    const [outcome] = await dav.restore([{ trash: item.id }]);
    if (outcome?.path) {
      drop(item);
      toast(say("trash.restored", { name: nameOf(outcome.path), folder: folderName(outcome.path) }));
    } else toast(outcome.message, { bad: true });
  }

  async function purge(item) {
    const name = nameOf(item.origin);
    const sure = await choose(say("trash.purge.title"), say("trash.purge.text", { name }), [
      { value: null, label: say("cancel"), focus: true },
      { value: "yes", label: say("trash.purge"), cls: "danger" },
    ]);
    if (!sure) return;
    const [problem] = await dav.purge([{ trash: item.id }]);
    if (problem) toast(problem.message, { bad: true });
    else drop(item);
  }

  async function empty() {
    const sure = await choose(say("trash.empty.title"), count("trash.empty.text", items.length), [
      { value: null, label: say("cancel"), focus: true },
      { value: "yes", label: say("trash.empty"), cls: "danger" },
    ]);
    if (!sure) return;
    const all = [...items];
    const outcomes = await dav.purge(all.map((item) => ({ trash: item.id })));
    items.splice(0, items.length, ...all.filter((_, index) => outcomes[index]));
    draw();
    changed();
  }

  draw();
  return view;
}

function folderName(path) {
  return parent(path) === "/" ? say("place.home") : parent(path);
}

/** Bring back what was just deleted from these paths, the newest of each. */
export async function undelete(paths) {
  const wanted = new Set(paths);
  const found = [];
  for (const item of await dav.trash()) {
    // The list has the newest first, so the first of each path is the one just deleted.
    if (wanted.delete(item.origin)) found.push(item);
  }
  const outcomes = await dav.restore(found.map((item) => ({ trash: item.id })));
  const problem = outcomes.find((outcome) => !outcome?.path);
  if (problem) throw new Error(problem.message);
  if (wanted.size) throw new Error(say("trash.gone"));
}

/** The earlier contents of a file in a dialogue; whether one was brought back. */
export async function versionsDialog(entry) {
  const items = await dav.versions(entry.path);
  return dialog(
    say("versions.title", { name: entry.name }),
    (close) => {
      const list = items.map((item) => {
        const row = h(
          "li",
          {},
          h(
            "div",
            { class: "grow" },
            h("span", { class: "name", title: exactMoment(item.modified) }, moment(item.modified)),
            h("span", { class: "small" }, `${size(item.size)} · ${exactMoment(item.modified)}`),
          ),
          h(
            "a",
            {
              class: "quiet",
              href: encode(item.path),
              download: entry.name,
              "aria-label": say("versions.open"),
              title: say("versions.open"),
            },
            icon("download"),
          ),
          button(say("trash.restore"), { glyph: "restore", onclick: () => back(item) }),
        );
        return row;
      });
      const back = async (item) => {
        try {
          await dav.copy(item.path, entry.path, true);
          toast(say("versions.restored", { name: entry.name }));
          close(true);
        } catch (error) {
          toast(error.message, { bad: true });
        }
      };
      return [
        h("p", { class: "lead" }, items.length ? say("versions.lead") : say("versions.nothing")),
        h("ul", { class: "cards" }, ...list),
        h("div", { class: "buttons" }, button(say("close"), { autofocus: true, onclick: () => close(false) })),
      ];
    },
    { cls: "wide" },
  );
}
