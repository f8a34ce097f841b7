// What can be done with files and folders: each a few WebDAV requests, and a way back.

import { chooseFolder } from "./chooser.js";
import * as dav from "./dav.js";
import { askName, choose, toast } from "./dialog.js";
import { h } from "./dom.js";
import { encode, freeName, isWithin, join, nameOf, parent } from "./files.js";
import { undelete } from "./trash.js";
import { count, data, moment, say, size } from "./words.js";

const AT_ONCE = 4;

/** Make a folder in `folder`; its path, or null. */
export async function newFolder(folder) {
  const name = await askName(say("folder.new"), {
    label: say("folder.name"),
    action: say("folder.make"),
    refuse: (wanted) =>
      attempt(wanted, join(folder, wanted), true, async (path) => {
        if (!(await dav.makeFolder(path))) throw new Error(say("name.taken"));
      }),
  });
  return name === null ? null : join(folder, name);
}

/** Rename; the new path, or null. */
export async function rename(entry) {
  const dot = entry.folder ? -1 : entry.name.lastIndexOf(".");
  const folder = parent(entry.path);
  const name = await askName(say("rename.title"), {
    label: say("rename.label"),
    value: entry.name,
    stem: dot > 0 ? dot : entry.name.length,
    action: say("action.rename"),
    refuse: (wanted) =>
      attempt(wanted, join(folder, wanted), entry.folder, (path) => dav.move(entry.path, path)),
  });
  return name === null || name === entry.name ? null : join(folder, name);
}

/** Move into a folder, or into one that is asked for; whether something changed. */
export function moveTo(entries, folder, target = null) {
  return relocate(entries, folder, target, {
    title: count("move.title", entries.length),
    action: say("move.here"),
    act: dav.move,
    done: "move.done",
  });
}

/** As `moveTo`, but a copy; into the same folder under a free name. */
export function copyTo(entries, folder, target = null) {
  return relocate(entries, folder, target, {
    title: count("copy.title", entries.length),
    action: say("copy.here"),
    act: dav.copy,
    done: "copy.done",
  });
}

/** Delete, with a way back; whether something changed. `changed` runs after an undo. */
export async function remove(entries, changed) {
  const gone = [];
  const waiting = [...entries];
  const work = async () => {
    for (let entry; (entry = waiting.shift());) {
      try {
        await dav.remove(entry.path);
        gone.push(entry.path);
      } catch (error) {
        if (error.status !== 404)
          toast(say("problem.with", { name: entry.name, reason: error.message }), { bad: true });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  if (gone.length) {
    const said =
      gone.length === 1 ? say("delete.done", { name: nameOf(gone[0]) }) : count("delete.done", gone.length);
    toast(said, { action: say("undo"), act: () => undo(gone, changed) });
  }
  return gone.length > 0;
}

/** Save to the visitor's disk: a single file as it is, anything else as a zip. */
export function download(entries, folder) {
  if (entries.length === 1 && !entries[0].folder) {
    follow(h("a", { href: encode(entries[0].path), download: entries[0].name }));
    return;
  }
  const field = (name, value) => h("input", { type: "hidden", name, value });
  const form = h(
    "form",
    { method: "post", action: "/.filehost/zip", hidden: true },
    field("token", data.token),
    field("path", folder),
    ...entries.map((entry) => field("name", entry.name)),
  );
  document.body.append(form);
  form.submit();
  form.remove();
}

/** What to do about a name that is taken: {action: "replace" | "keep" | "skip", all}. */
export async function askClash(name, sending, present, others) {
  const all = h("input", { type: "checkbox", id: "clash-all" });
  const extra = [
    h(
      "dl",
      { class: "facts clash" },
      h("div", {}, h("dt", {}, say("clash.here")), h("dd", {}, describe(present))),
      sending && h("div", {}, h("dt", {}, say("clash.sending")), h("dd", {}, describe(sending))),
    ),
    others > 0 && h("label", { class: "check", for: "clash-all" }, all, say("clash.all")),
  ].filter(Boolean);
  const replace = { value: "replace", label: say("clash.replace") };
  const action = await choose(
    say("clash.title"),
    say(present.folder ? "clash.text.folder" : "clash.text", { name }),
    [
      { value: "skip", label: say("clash.skip") },
      ...(present.folder ? [] : [replace]),
      { value: "keep", label: say("clash.keep"), cls: "primary", focus: true },
    ],
    extra,
  );
  return { action: action ?? "skip", all: all.checked };
}

async function relocate(entries, folder, target, { title, action, act, done }) {
  const moving = act === dav.move;
  const to =
    target ??
    (await chooseFolder(
      title,
      action,
      folder,
      entries.filter((entry) => entry.folder).map((entry) => entry.path),
    ));
  if (to === null || (moving && to === folder)) return false;
  let rule = null;
  let changed = 0;
  for (const [index, entry] of entries.entries()) {
    if (entry.folder && isWithin(to, entry.path)) {
      toast(say("problem.itself", { name: entry.name }), { bad: true });
      continue;
    }
    const clash = async (present) => {
      if (!moving && to === folder) return "keep";
      if (rule) return rule;
      const answer = await askClash(entry.name, entry, present, entries.length - index - 1);
      if (answer.all) rule = answer.action;
      return answer.action;
    };
    try {
      changed += await place(entry, to, act, clash);
    } catch (error) {
      toast(say("problem.with", { name: entry.name, reason: error.message }), { bad: true });
    }
  }
  if (changed) toast(count(done, changed, { folder: to === "/" ? say("place.home") : nameOf(to) }));
  return changed > 0;
}

/** Put one entry into a folder; 1 when it went there. */
async function place(entry, to, act, clash) {
  let path = join(to, entry.name);
  for (;;) {
    try {
      await act(entry.path, path);
      return 1;
    } catch (error) {
      // 403: some servers say so when source and target are the same.
      if (error.status !== 412 && !(error.status === 403 && path === entry.path)) throw error;
    }
    const present = (await dav.stat(path)) ?? entry;
    const action = await clash(present);
    if (action === "skip") return 0;
    if (action === "replace") {
      await act(entry.path, path, true);
      return 1;
    }
    const taken = new Set((await dav.list(to)).map((other) => other.name.toLowerCase()));
    path = join(to, freeName(entry.name, taken, entry.folder));
  }
}

/** Try a change that needs a name; the reason why not, for the dialogue, or null when it is done. */
async function attempt(name, path, folder, act) {
  if (!name) return say("name.empty");
  if (name.includes("/")) return say("rule.characters");
  try {
    const [verdict] = await dav.check([{ path, folder }]);
    if (verdict) return dav.ruleSentence(verdict.rule, verdict.message, name);
    await act(path);
    return null;
  } catch (error) {
    return error.status === 412 || error.status === 405 ? say("name.taken") : error.message;
  }
}

async function undo(paths, changed) {
  try {
    await undelete(paths);
    toast(paths.length === 1 ? say("undo.done", { name: nameOf(paths[0]) }) : count("undo.done", paths.length));
  } catch (error) {
    toast(error.message, { bad: true });
  }
  changed();
}

function describe(entry) {
  if (entry.folder) return say("kind.folder");
  return `${size(entry.size)}, ${moment(entry.modified ?? entry.lastModified)}`;
}

function follow(link) {
  document.body.append(link);
  link.click();
  link.remove();
}
