// Elements, made without HTML text: what comes from a file's name or content can only ever be text.

const SVG = "http://www.w3.org/2000/svg";

/** An element. Attributes: `class`, `onclick` and the like, `hidden: true`, anything else as it is. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child != null && child !== false));
  return element;
}

/** An icon of the page's own set, unseen by screen readers. */
export function icon(name, cls = "") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", `icon ${cls}`.trim());
  svg.setAttribute("aria-hidden", "true");
  for (const d of shapes[name]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
}

/** A button with an icon; its words are seen, or only heard where `quiet`. */
export function button(label, { glyph, quiet = false, cls = "", ...attributes } = {}) {
  const words = quiet ? {} : { text: label };
  return h(
    "button",
    {
      type: "button",
      class: `${quiet ? "quiet" : "button"} ${cls}`.trim(),
      ...(quiet ? { "aria-label": label, title: label } : {}),
      ...attributes,
    },
    glyph && icon(glyph),
    words.text && h("span", {}, words.text),
  );
}

const live = h("div", { class: "unseen", role: "status", "aria-live": "polite" });

/** Let a screen reader say this. */
export function announce(text) {
  if (!live.isConnected) document.body.append(live);
  live.textContent = "";
  requestAnimationFrame(() => (live.textContent = text));
}

export const prefersCalm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

// Line icons on a 24-unit grid.
const shapes = {
  account: [
    "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8z",
    "M4.5 20c1-3.800 4-5.500 7.500-5.500s6.500 1.700 7.500 5.500",
  ],
  back: ["M15 5l-7 7 7 7"],
  check: ["M5 12.500l4.500 4.500L19 7.500"],
  close: ["M6 6l12 12", "M18 6L6 18"],
  connect: [
    "M4 6.500A1.500 1.500 0 0 1 5.500 5h13A1.500 1.500 0 0 1 20 6.500v9a1.500 1.500 0 0 1-1.500 1.500h-13A1.500 1.500 0 0 1 4 15.500z",
    "M9 20.500h6",
    "M12 17v3.500",
  ],
  copy: [
    "M9 9h9.500A1.500 1.500 0 0 1 20 10.500V19a1.500 1.500 0 0 1-1.500 1.500H10.500A1.500 1.500 0 0 1 9 19z",
    "M5.500 15.500A1.500 1.500 0 0 1 4 14V5.500A1.500 1.500 0 0 1 5.500 4H14a1.500 1.500 0 0 1 1.500 1.500",
  ],
  down: ["M6 9l6 6 6-6"],
  download: ["M12 4v11", "M7.500 11l4.500 4.500 4.500-4.500", "M5 20h14"],
  error: ["M12 3.500 21.500 20h-19z", "M12 10v4.500", "M12 17.200v.1"],
  files: [
    "M3.500 7A2 2 0 0 1 5.500 5h3.700c.6 0 1.100.2 1.500.6L12.200 7H18.500a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2h-13a2 2 0 0 1-2-2z",
  ],
  folderNew: [
    "M3.500 7A2 2 0 0 1 5.500 5h3.700c.6 0 1.100.2 1.500.6L12.200 7H18.500a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2h-13a2 2 0 0 1-2-2z",
    "M12 10.500v5",
    "M9.500 13h5",
  ],
  grid: ["M4.500 4.500h6v6h-6z", "M13.500 4.500h6v6h-6z", "M4.500 13.500h6v6h-6z", "M13.500 13.500h6v6h-6z"],
  history: ["M4 12a8 8 0 1 0 2.500-5.800", "M4 4.500v4h4", "M12 8v4.500l3 1.800"],
  list: [
    "M8.500 6.500h11",
    "M8.500 12h11",
    "M8.500 17.500h11",
    "M4.500 6.500h.1",
    "M4.500 12h.1",
    "M4.500 17.500h.1",
  ],
  menu: ["M4 7h16", "M4 12h16", "M4 17h16"],
  more: ["M5.500 12h.1", "M12 12h.1", "M18.500 12h.1"],
  move: [
    "M3.500 7A2 2 0 0 1 5.500 5h3.700c.6 0 1.100.2 1.500.6L12.200 7H18.500a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2h-13a2 2 0 0 1-2-2z",
    "M8.500 13h6.500",
    "M12.500 10.500 15 13l-2.500 2.500",
  ],
  next: ["M9 5l7 7-7 7"],
  open: [
    "M12 5C7 5 3.500 9 2.500 12c1 3 4.500 7 9.500 7s8.500-4 9.500-7c-1-3-4.500-7-9.500-7z",
    "M12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z",
  ],
  pause: ["M8 5v14", "M16 5v14"],
  rename: [
    "M4.500 19.500l.8-4L16 4.800a1.500 1.500 0 0 1 2.100 0l1.100 1.100a1.500 1.500 0 0 1 0 2.100L8.500 18.700z",
    "M14 7l3 3",
  ],
  restore: ["M5 9.500h9a5 5 0 0 1 0 10H9", "M9 5 4.500 9.500 9 14"],
  retry: ["M19.500 12a7.500 7.500 0 1 1-2.200-5.300", "M19.500 4v4h-4"],
  search: ["M10.500 17a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13z", "M15.500 15.500 20 20"],
  signout: [
    "M13.500 4.500h-7A1.500 1.500 0 0 0 5 6v12a1.500 1.500 0 0 0 1.500 1.500h7",
    "M10.500 12H20",
    "M16.500 8.500 20 12l-3.500 3.500",
  ],
  trash: [
    "M4.500 6.500h15",
    "M9.500 6.500v-2h5v2",
    "M6.500 6.500l.8 12.100A1.500 1.500 0 0 0 8.800 20h6.400a1.500 1.500 0 0 0 1.500-1.400l.8-12.100",
    "M10.200 10.500v5.500",
    "M13.800 10.500v5.500",
  ],
  up: ["M6 15l6-6 6 6"],
  upload: ["M12 16V4.500", "M7.500 9 12 4.500 16.500 9", "M5 20h14"],
  // Kinds of files.
  file: [
    "M6 3.500h7.500L18.500 8.500V19a1.500 1.500 0 0 1-1.500 1.500H7A1.500 1.500 0 0 1 5.500 19V4.500",
    "M13.500 3.500v5h5",
  ],
  image: [
    "M5.500 4.500h13A1.500 1.500 0 0 1 20 6v12a1.500 1.500 0 0 1-1.500 1.500h-13A1.500 1.500 0 0 1 4 18V6a1.500 1.500 0 0 1 1.500-1.500z",
    "M4.500 17l4.500-5 3.500 3.500 2.500-2.500 4.500 4.500",
    "M15 9.200h.1",
  ],
  pdf: [
    "M6 3.500h7.500L18.500 8.500V19a1.500 1.500 0 0 1-1.500 1.500H7A1.500 1.500 0 0 1 5.500 19V4.500",
    "M13.500 3.500v5h5",
    "M8.500 17v-4.500h1.200a1.300 1.300 0 0 1 0 2.700H8.500",
    "M13 17v-4.500h2.500",
    "M13 14.800h2",
  ],
  text: [
    "M6 3.500h7.500L18.500 8.500V19a1.500 1.500 0 0 1-1.500 1.500H7A1.500 1.500 0 0 1 5.500 19V4.500",
    "M13.500 3.500v5h5",
    "M8.500 12.500h7",
    "M8.500 15.500h7",
    "M8.500 9.500h2.500",
  ],
  sheet: ["M5.500 4.500h13v15h-13z", "M5.500 9.500h13", "M5.500 14.500h13", "M10.500 9.500v10"],
  slides: ["M4 5h16", "M5.500 5v9.500h13V5", "M12 14.500v3", "M8.500 20.500l3.500-3 3.500 3"],
  archive: ["M5.500 4.500h13v15h-13z", "M12 4.500v2", "M12 8.500v2", "M12 12.500v2.500"],
  audio: [
    "M9 17.500V6l9-1.500V16",
    "M6.700 20a2.300 2.300 0 1 0 0-4.600 2.300 2.300 0 0 0 0 4.600z",
    "M15.700 18.400a2.300 2.300 0 1 0 0-4.600 2.300 2.300 0 0 0 0 4.600z",
  ],
  video: ["M4 6.500h11.500v11H4z", "M15.500 10.500 20 8v8l-4.500-2.500"],
};
