// The page: its frame, its addresses, and what is shown where.

import { askClash } from "./actions.js";
import { connectView } from "./connect.js";
import * as dav from "./dav.js";
import { choose, menu, toast } from "./dialog.js";
import { announce, button, h, icon } from "./dom.js";
import { decode, encode, nameOf } from "./files.js";
import { FolderView } from "./folder.js";
import { trashView } from "./trash.js";
import { UploadPanel } from "./upload_panel.js";
import { Uploads } from "./uploads.js";
import { data, say, size } from "./words.js";

const TRASH = "/.filehost/trash/";
const CONNECT = "/.filehost/connect";

const uploads = new Uploads({ changed: () => panel.changed(), stored, clash });
const panel = new UploadPanel(uploads);
const folder = new FolderView({
  go,
  look,
  upload: (path, found) => uploads.add(path, found),
  changed: refreshUsage,
});
const stage = h("main", { id: "stage", tabindex: "-1" });
const quota = h("div", { class: "quota" });
const places = [
  place("/", "files", "place.home"),
  place(TRASH, "trash", "place.trash"),
  place(CONNECT, "connect", "place.connect"),
];

document.getElementById("app").replaceWith(
  h("a", { class: "skip", href: "#stage", onclick: skip }, say("skip")),
  h(
    "header",
    { class: "side" },
    h(
      "a",
      { class: "brand", href: "/", onclick: (event) => follow(event, "/") },
      h("img", { src: new URL("icon.svg", import.meta.url).href, alt: "", width: "28", height: "28" }),
      h("span", {}, "Filehost"),
    ),
    h("nav", { class: "places", "aria-label": say("places.label") }, ...places),
    quota,
    button(data.user, {
      glyph: "account",
      cls: "user",
      "aria-haspopup": "menu",
      onclick: (event) => userMenu(event.currentTarget),
    }),
  ),
  stage,
  panel.element,
);

addEventListener("popstate", render);
addEventListener("paste", (event) => stage.contains(folder.element) && folder.paste(event));
addEventListener("keydown", anywhere);
// A file dropped beside the list must not replace the page.
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => event.preventDefault());
addEventListener("focus", () => Date.now() - looked > 30000 && stage.contains(folder.element) && refresh());
addEventListener(
  "unhandledrejection",
  ({ reason }) =>
    reason?.name !== "AbortError" && toast(reason?.message ?? say("problem.title"), { bad: true }),
);
let looked = Date.now();
dav.session.ended = sessionEnded;
drawQuota();
render();

/** Show what the address says. */
async function render() {
  const { pathname } = location;
  const isPlace = pathname.startsWith("/.filehost/");
  for (const link of places) {
    const current = isPlace
      ? pathname.startsWith(link.pathname) && link.pathname !== "/"
      : link.pathname === "/";
    if (current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (pathname.startsWith(TRASH.slice(0, -1)))
    return showView(say("place.trash"), () => trashView(refreshUsage));
  if (pathname.startsWith(CONNECT)) return showView(say("place.connect"), async () => connectView());
  const path = decode(pathname);
  document.title = `${path === "/" ? say("place.home") : nameOf(path)} – Filehost`;
  if (!stage.contains(folder.element)) stage.replaceChildren(folder.element);
  looked = Date.now();
  await folder.show(path, new URLSearchParams(location.search).get("view"));
}

async function showView(title, make) {
  document.title = `${title} – Filehost`;
  stage.replaceChildren(h("p", { class: "state waiting" }, say("loading")));
  try {
    stage.replaceChildren(h("div", { class: "view" }, await make()));
    stage.querySelector("h1")?.focus();
  } catch (error) {
    stage.replaceChildren(
      h(
        "div",
        { class: "state" },
        icon("error"),
        h("h2", {}, say("problem.title")),
        h("p", {}, error.message),
        button(say("retry"), { glyph: "retry", cls: "primary", onclick: render }),
      ),
    );
  }
}

/** Go to a folder; the focus goes to its list, or to the entry of `focus`. */
async function go(path, focus = null) {
  history.pushState(null, "", encode(path) + (path === "/" ? "" : "/"));
  await render();
  announce(path === "/" ? say("place.home") : nameOf(path));
  if (focus) folder.list.focus(focus);
  else folder.focus();
}

/** Put the file that is looked at into the address, or take it out. */
function look(name, replace = false) {
  const query = name ? `?view=${encodeURIComponent(name)}` : "";
  if (location.search === query) return;
  // Closing goes back to where the look began, so that "back" does not open it again.
  if (!name && history.state?.look) history.back();
  else {
    history[replace || !name ? "replaceState" : "pushState"](
      name ? { look: replace ? history.state?.look : true } : null,
      "",
      location.pathname + query,
    );
    if (!replace) render();
  }
}

function place(path, glyph, key) {
  return h(
    "a",
    { href: path, class: "place", onclick: (event) => follow(event, path) },
    icon(glyph),
    h("span", {}, say(key)),
  );
}

function follow(event, path) {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (location.pathname !== path || location.search) history.pushState(null, "", path);
  render();
}

function skip(event) {
  event.preventDefault();
  if (stage.contains(folder.element)) folder.focus();
  else stage.focus();
}

function userMenu(source) {
  menu(
    [
      { label: say("account.title"), glyph: "account", act: () => location.assign("/.filehost/account") },
      { label: say("keys.title"), glyph: "list", act: showKeys },
      null,
      { label: say("account.signout"), glyph: "signout", act: signOut },
    ],
    source.getBoundingClientRect(),
    data.user,
  );
}

function signOut() {
  const form = h(
    "form",
    { method: "post", action: "/.filehost/signout", hidden: true },
    h("input", { type: "hidden", name: "token", value: data.token }),
  );
  document.body.append(form);
  form.submit();
}

function showKeys() {
  const keys = ["up", "open", "choose", "all", "filter", "rename", "delete", "parent", "menu"];
  const rows = keys.map((key) =>
    h("div", {}, h("dt", {}, h("kbd", {}, say(`keys.${key}.keys`))), h("dd", {}, say(`keys.${key}`))),
  );
  choose(
    say("keys.title"),
    say("keys.lead"),
    [{ value: null, label: say("close"), focus: true }],
    [h("dl", { class: "facts keys" }, ...rows)],
  );
}

/** Keys that work wherever the focus is, unless something is being typed or asked. */
function anywhere(event) {
  if (event.defaultPrevented || !stage.contains(folder.element) || document.querySelector("dialog[open]"))
    return;
  if (event.target.closest?.("input, textarea, [popover]") || event.ctrlKey || event.metaKey) return;
  if (event.key === "/") folder.filter.focus();
  else if (event.key === "Backspace" || (event.key === "ArrowUp" && event.altKey)) folder.up();
  else return;
  event.preventDefault();
}

/** Files arrived in a folder: show them soon, but not once for each. */
function stored(path) {
  if (path !== folder.path || !stage.contains(folder.element) || stored.timer) return;
  const patience = Math.min(5000, 400 + folder.list.entries.length / 2);
  stored.timer = setTimeout(() => {
    stored.timer = 0;
    refresh();
  }, patience);
}

function refresh() {
  looked = Date.now();
  refreshUsage();
  if (!document.querySelector("dialog[open]")) folder.load();
}

function clash(item, present, others) {
  return askClash(nameOf(item.path), item.file, present, others);
}

async function refreshUsage() {
  try {
    Object.assign(data, await dav.pageData());
    drawQuota();
  } catch {
    // The old figure stays until the next change.
  }
}

function drawQuota() {
  const { used, limit, available } = data.usage;
  const known = limit !== null;
  const text = known
    ? say("quota.of", { used: size(used), limit: size(limit) })
    : say("quota.used", { used: size(used) });
  const share = known && limit ? used / limit : 0;
  quota.replaceChildren(
    known
      ? h("meter", {
          min: "0",
          max: "1",
          high: "0.9",
          value: String(Math.min(1, share)),
          "aria-label": say("quota.label"),
        })
      : "",
    h("span", { class: "small" }, text),
    share > 0.9 || available < 1e7
      ? h("span", { class: "small warn" }, say("quota.left", { size: size(Math.max(0, available)) }))
      : "",
  );
}

async function sessionEnded() {
  if (sessionEnded.asked) return;
  sessionEnded.asked = true;
  const again = await choose(say("ended.title"), say("ended.text"), [
    { value: null, label: say("ended.later") },
    { value: "in", label: say("signin.title"), cls: "primary", focus: true },
  ]);
  if (again) {
    // A window of its own: the queue of uploads lives in this one.
    const window_ = open("/.filehost/signin", "signin", "width=480,height=640");
    if (!window_) location.assign("/.filehost/signin");
    const wait = setInterval(async () => {
      if (!(await signedIn())) return;
      clearInterval(wait);
      window_?.close();
      sessionEnded.asked = false;
      await refreshUsage();
      uploads.signedIn();
      render();
      toast(say("ended.back"));
    }, 1500);
  } else sessionEnded.asked = false;
}

async function signedIn() {
  const answer = await fetch("/.filehost/page", {
    headers: { "X-Requested-With": "Filehost" },
    cache: "no-store",
  }).catch(() => null);
  return answer?.ok && (await answer.json()).user === data.user;
}
