// Paths and kinds of files. A path is decoded and begins with a slash; a folder's ends with none, but for "/".

const KINDS = {
  image: "png jpg jpeg gif webp avif bmp svg",
  pdf: "pdf",
  text: "txt md csv log json xml yaml yml ini conf html htm css js ts py rtf doc docx odt",
  sheet: "xls xlsx ods",
  slides: "ppt pptx odp",
  archive: "zip gz tar 7z rar bz2 xz",
  audio: "mp3 ogg oga wav flac m4a opus",
  video: "mp4 webm mkv mov avi",
};
const kinds = new Map(
  Object.entries(KINDS).flatMap(([kind, list]) => list.split(" ").map((one) => [one, kind])),
);
const READABLE = new Set("txt md csv log json xml yaml yml ini conf html htm css js ts py svg".split(" "));
const PICTURES = new Set("png jpg jpeg gif webp avif bmp".split(" "));

export const kindOf = (entry) => (entry.folder ? "files" : (kinds.get(extension(entry.name)) ?? "file"));

export function extension(name) {
  const dot = name.lastIndexOf(".");
  return dot > 0 ? name.slice(dot + 1).toLowerCase() : "";
}

/** How the page can show a file: "image", "pdf", "text", "audio", "video", or nothing. */
export function previewOf(entry) {
  const ending = extension(entry.name);
  if (PICTURES.has(ending)) return "image";
  if (ending === "pdf") return "pdf";
  if (READABLE.has(ending)) return "text";
  const kind = kinds.get(ending);
  return kind === "audio" || kind === "video" ? kind : null;
}

export const join = (folder, name) => (folder === "/" ? `/${name}` : `${folder}/${name}`);
export const parent = (path) => path.slice(0, path.lastIndexOf("/")) || "/";
export const nameOf = (path) => path.slice(path.lastIndexOf("/") + 1);
export const isWithin = (path, folder) => path === folder || folder === "/" || path.startsWith(`${folder}/`);

/** The path as it goes into an address. */
export const encode = (path) => path.split("/").map(encodeURIComponent).join("/");

/** The path in an address, which may end with a slash. Bad escapes stay as they are. */
export function decode(address) {
  const path = address.replace(/\/+$/, "");
  try {
    return decodeURIComponent(path) || "/";
  } catch {
    return path || "/";
  }
}

/** A name that is not taken yet: "report (2).pdf". */
export function freeName(name, taken, folder = false) {
  const dot = folder ? -1 : name.lastIndexOf(".");
  const [stem, ending] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ""];
  const base = stem.replace(/ \(\d+\)$/, "");
  for (let number = 2; ; number++) {
    const candidate = `${base} (${number})${ending}`;
    if (!taken.has(candidate.toLowerCase())) return candidate;
  }
}
