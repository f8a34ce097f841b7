// How to mount this very address as a drive: the visitor's own system first, ready to copy.

import { button, h, icon } from "./dom.js";
import { toast } from "./dialog.js";
import { data, say } from "./words.js";

const SYSTEMS = ["windows", "mac", "gnome", "kde", "linux", "phone", "rclone"];

export function connectView() {
  const mine = system();
  const order = [mine, ...SYSTEMS.filter((name) => name !== mine)];
  const address = `${location.origin}/`;
  return h(
    "div",
    { class: "connect" },
    h("h1", { tabindex: "-1" }, say("connect.title")),
    h("p", { class: "lead" }, say("connect.lead")),
    h("dl", { class: "facts" }, fact("connect.address", address), fact("connect.user", data.user)),
    h(
      "p",
      {},
      say("connect.devices"),
      " ",
      h("a", { href: "/.filehost/account#devices-title" }, say("connect.devices.link")),
    ),
    ...order.map((name, index) => section(name, index === 0)),
    location.protocol === "http:" && h("p", { class: "notice" }, say("connect.plain")),
  );
}

function section(name, open) {
  return h(
    "details",
    { open },
    h("summary", {}, h("span", {}, say(`connect.${name}`)), icon("down")),
    h("ol", {}, ...steps(name).map((step) => h("li", {}, step))),
  );
}

function steps(name) {
  const address = `${location.origin}/`;
  const { host, protocol } = location;
  const secure = protocol === "https:";
  const text = (key, values) => say(`connect.${name}.${key}`, values);
  switch (name) {
    case "windows":
      return [
        text("1"),
        [text("2"), code(address)],
        [text("3", { user: data.user })],
        [text("4"), code(`net use * "${address}" /user:${data.user} *`)],
      ];
    case "mac":
      return [text("1"), [text("2"), code(address)], text("3", { user: data.user })];
    case "gnome":
      return [text("1"), [text("2"), code(`${secure ? "davs" : "dav"}://${data.user}@${host}/`)], text("3")];
    case "kde":
      return [
        text("1"),
        [text("2"), code(`${secure ? "webdavs" : "webdav"}://${data.user}@${host}/`)],
        text("3"),
      ];
    case "linux":
      return [
        [text("1"), code(`sudo mount -t davfs ${address} /mnt -o username=${data.user},uid=$USER`)],
        text("2"),
      ];
    case "phone":
      return [text("1"), [text("2"), code(address)], text("3", { user: data.user })];
    default:
      return [
        [
          text("1"),
          code(
            `rclone config create filehost webdav url=${address} vendor=owncloud user=${data.user} pass=$(rclone obscure "$(read -rsp Password: p; echo $p)")`,
          ),
        ],
        [text("2"), code("rclone sync ~/Documents filehost:Documents --progress")],
      ];
  }
}

function fact(key, value) {
  return h("div", {}, h("dt", {}, say(key)), h("dd", {}, code(value)));
}

/** Text in a box with a button that copies it. */
function code(text) {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      toast(say("connect.copied"));
    } catch {
      getSelection().selectAllChildren(box);
    }
  };
  const box = h("code", {}, text);
  return h(
    "span",
    { class: "code" },
    box,
    button(say("connect.copy", { text }), { glyph: "copy", quiet: true, onclick: copy }),
  );
}

function system() {
  const agent = navigator.userAgent;
  if (/Android|iPhone|iPad/.test(agent)) return "phone";
  if (agent.includes("Windows")) return "windows";
  if (agent.includes("Mac OS X")) return "mac";
  return "gnome";
}
