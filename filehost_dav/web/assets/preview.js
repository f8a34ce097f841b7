// A look at a file without downloading it. Its content is only ever shown, never run.

import { announce, button, h, icon } from "./dom.js";
import { encode, kindOf, previewOf } from "./files.js";
import { number, say, size } from "./words.js";

const MOST_TEXT = 1 << 20; // bytes of a text shown
const LARGEST_PDF = 100e6;

/** Show a file, and by arrow keys the others of the folder. `calls`: changed(entry), closed(), act(name, entry). */
export function preview(entry, others, calls) {
  const files = others.filter((other) => !other.folder);
  const before = document.activeElement;
  const title = h("h2", { id: "preview-title" });
  const stage = h("div", { class: "stage" });
  const place = h("span", { class: "small" });
  const previous = button(say("preview.previous"), {
    glyph: "back",
    quiet: true,
    cls: "turn",
    onclick: () => turn(-1),
  });
  const next = button(say("preview.next"), { glyph: "next", quiet: true, cls: "turn", onclick: () => turn(1) });
  const save = h(
    "a",
    { class: "quiet", "aria-label": say("action.download"), title: say("action.download") },
    icon("download"),
  );
  const element = h(
    "dialog",
    { class: "preview", "aria-labelledby": "preview-title" },
    h(
      "header",
      {},
      button(say("close"), { glyph: "close", quiet: true, onclick: () => element.close() }),
      h("div", { class: "grow" }, title, place),
      button(say("action.versions"), {
        glyph: "history",
        quiet: true,
        onclick: () => calls.act("versions", current),
      }),
      button(say("action.delete"), {
        glyph: "trash",
        quiet: true,
        onclick: () => calls.act("delete", current),
      }),
      save,
    ),
    h("div", { class: "around" }, previous, stage, next),
  );
  let current = entry;
  let release = () => {};

  function show(target) {
    current = target;
    release();
    title.textContent = target.name;
    const index = files.findIndex((file) => file.path === target.path);
    place.textContent = `${size(target.size)}${files.length > 1 ? ` · ${say("preview.place", { n: number(index + 1), all: number(files.length) })}` : ""}`;
    previous.disabled = index <= 0;
    next.disabled = index >= files.length - 1;
    save.href = encode(target.path);
    save.download = target.name;
    const gone = new AbortController();
    stage.replaceChildren(h("p", { class: "waiting" }, say("loading")));
    const urls = [];
    release = () => {
      gone.abort();
      urls.forEach((url) => URL.revokeObjectURL(url));
    };
    content(target, urls, gone.signal)
      .then((shown) => !gone.signal.aborted && stage.replaceChildren(shown))
      .catch((error) => !gone.signal.aborted && stage.replaceChildren(nothing(target, error.message)));
    announce(target.name);
  }

  function turn(step) {
    const index = files.findIndex((file) => file.path === current.path) + step;
    if (!files[index]) return;
    show(files[index]);
    calls.changed(files[index]);
  }

  element.addEventListener("keydown", (event) => {
    if (event.target.closest("pre, video, audio, iframe") && event.key.startsWith("Arrow")) return;
    if (event.key === "ArrowLeft") turn(-1);
    if (event.key === "ArrowRight") turn(1);
  });
  element.addEventListener("close", () => {
    release();
    element.remove();
    before?.focus?.({ preventScroll: true });
    calls.closed(current);
  });
  document.body.append(element);
  element.showModal();
  show(entry);
  return element;
}

async function content(entry, urls, signal) {
  const kind = previewOf(entry);
  if (kind === "image") return picture(entry);
  if (kind === "audio" || kind === "video") return h(kind, { src: encode(entry.path), controls: true });
  if (kind === "text") return text(entry, signal);
  if (kind === "pdf" && entry.size <= LARGEST_PDF && navigator.pdfViewerEnabled)
    return pdf(entry, urls, signal);
  return nothing(entry);
}

async function picture(entry) {
  const image = new Image();
  image.alt = entry.name;
  image.src = encode(entry.path);
  await image.decode().catch(() => {
    throw new Error(say("preview.broken"));
  });
  return image;
}

async function text(entry, signal) {
  const answer = await load(entry, signal, entry.size > MOST_TEXT ? { Range: `bytes=0-${MOST_TEXT - 1}` } : {});
  const body = decodeText(await answer.arrayBuffer());
  const shown = h("pre", { tabindex: "0", role: "region", "aria-label": entry.name }, body);
  return entry.size > MOST_TEXT
    ? h(
        "div",
        { class: "paper" },
        shown,
        h("p", { class: "small" }, say("preview.cut", { size: size(MOST_TEXT) })),
      )
    : h("div", { class: "paper" }, shown);
}

async function pdf(entry, urls, signal) {
  const answer = await load(entry, signal);
  // The browser's own viewer shows it; the type is ours to say, so nothing in the file can choose another.
  urls.push(URL.createObjectURL(new Blob([await answer.arrayBuffer()], { type: "application/pdf" })));
  return h("iframe", { src: urls.at(-1), title: entry.name });
}

function nothing(entry, reason) {
  return h(
    "div",
    { class: "nothing" },
    icon(kindOf(entry)),
    h("p", {}, reason || say("preview.none")),
    h(
      "a",
      { class: "button primary", href: encode(entry.path), download: entry.name },
      icon("download"),
      h("span", {}, say("action.download")),
    ),
  );
}

async function load(entry, signal, headers = {}) {
  const answer = await fetch(encode(entry.path), {
    signal,
    headers: { ...headers, "X-Requested-With": "Filehost" },
  });
  if (!answer.ok) throw new Error(say("failure.other", { status: answer.status }));
  return answer;
}

/** UTF-8, or what Windows wrote where it is not. */
function decodeText(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
  } catch {
    return new TextDecoder("windows-1252").decode(bytes);
  }
}
