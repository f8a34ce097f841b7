// WebDAV, as any other client speaks it, and the few questions it has no word for.

import { decode, encode, nameOf } from "./files.js";
import { data, say, size } from "./words.js";

const SABRE = "http://sabredav.org/ns";
const LISTING =
  '<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop><resourcetype/><getcontentlength/>' +
  "<getlastmodified/><getetag/></prop></propfind>";

/** Why a request did not do what it should. `status` 0: no answer came. */
export class Failure extends Error {
  constructor(status, said = "", rule = "", name = "") {
    super(sentence(status, said, rule, name));
    this.status = status;
    this.rule = rule;
  }

  /** Whether trying again later may help by itself. */
  get passes() {
    return (
      this.status === 0 ||
      this.status === 429 ||
      this.status === 502 ||
      this.status === 503 ||
      this.status === 504
    );
  }
}

/** Run when the server no longer knows this browser. */
export const session = { ended: () => {} };

/** One request. XMLHttpRequest, because it tells the progress of uploads and reads XML without HTML's dangers. */
export function send(method, path, { headers = {}, body = null, progress, signal } = {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, encode(path));
    request.responseType = "document";
    // Asks the gate for an answer that opens no password dialogue of the browser's own.
    request.setRequestHeader("X-Requested-With", "Filehost");
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    if (progress) request.upload.onprogress = (event) => progress(event.loaded);
    request.onload = () =>
      request.status < 400 ? resolve(request) : reject(failureOf(request, headers.Destination ?? path));
    request.onerror = request.ontimeout = () => reject(new Failure(0));
    request.onabort = () => reject(new DOMException("aborted", "AbortError"));
    signal?.addEventListener("abort", () => request.abort(), { once: true });
    request.send(body);
  });
}

/** The members of a folder. */
export async function list(folder, signal) {
  const answer = await propfind(folder, "1", signal);
  return entries(answer).filter((entry) => entry.path !== folder);
}

/** One file or folder; null when nothing is there. */
export async function stat(path) {
  try {
    return entries(await propfind(path, "0"))[0] ?? null;
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}

/** Store a file. `condition` is {"If-None-Match": "*"}, {"If-Match": etag} or nothing. */
export function put(path, file, { condition = {}, progress, signal } = {}) {
  const modified = file.lastModified ? { "X-OC-Mtime": String(Math.floor(file.lastModified / 1000)) } : {};
  const kind = { "Content-Type": "application/octet-stream" };
  return send("PUT", path, { headers: { ...condition, ...modified, ...kind }, body: file, progress, signal });
}

/** Make a folder; whether it is new. */
export async function makeFolder(path, signal) {
  try {
    await send("MKCOL", path, { signal });
    return true;
  } catch (error) {
    if (error.status === 405) return false;
    throw error;
  }
}

export const move = (from, to, overwrite = false) => relocate("MOVE", from, to, overwrite);
export const copy = (from, to, overwrite = false) => relocate("COPY", from, to, overwrite);
export const remove = (path) => send("DELETE", path);

/** Ask the server about names before anything is sent: for each null, or {rule, message}. */
export const check = (items) => ask("page/check", items);
export const trash = () => ask("page/trash");
export const versions = async (path) =>
  (await list(`/.filehost/versions${path}`)).sort((a, b) => b.modified - a.modified);
export const restore = (items) => ask("page/restore", items);
export const purge = (items) => ask("page/purge", items);
export const pageData = () => ask("page");

/** What a rule of the server's policy says, in the visitor's language where it has words for it. */
export function ruleSentence(rule, said, name = "") {
  if (rule === "extension") {
    const dot = name.lastIndexOf(".");
    return dot > 0 ? say("rule.extension", { type: name.slice(dot) }) : say("rule.untyped");
  }
  const key = `rule.${rule}`;
  return key in data.words ? say(key) : said;
}

async function ask(place, items) {
  const options = items
    ? { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(items) }
    : {};
  let answer;
  try {
    answer = await fetch(`/.filehost/${place}`, {
      ...options,
      headers: { ...options.headers, "X-Requested-With": "Filehost", Accept: "application/json" },
      cache: "no-store",
    });
  } catch {
    throw new Failure(0);
  }
  if (answer.status === 401) session.ended();
  if (!answer.ok) throw new Failure(answer.status, ...(await reasonOf(answer)));
  return answer.json();
}

async function reasonOf(answer) {
  try {
    const { message, rule } = await answer.json();
    return [message, rule];
  } catch {
    return [];
  }
}

function propfind(path, depth, signal) {
  const headers = { Depth: depth, "Content-Type": "application/xml; charset=utf-8" };
  return send("PROPFIND", path, { headers, body: LISTING, signal });
}

function relocate(method, from, to, overwrite) {
  const headers = { Destination: location.origin + encode(to), Overwrite: overwrite ? "T" : "F" };
  return send(method, from, { headers });
}

/** The resources of a multistatus. Walked child by child: a listing may have ten thousand. */
function entries(answer) {
  const found = [];
  for (
    let response = answer.response?.documentElement.firstElementChild;
    response;
    response = response.nextElementSibling
  ) {
    if (response.localName === "response") found.push(entryOf(response));
  }
  return found;
}

function entryOf(response) {
  const entry = { path: "/", name: "", folder: false, size: 0, modified: 0, etag: "" };
  for (const part of response.children) {
    if (part.localName === "href") entry.path = decode(part.textContent.replace(/^https?:\/\/[^/]*/, ""));
    else if (part.localName === "propstat")
      for (const property of part.firstElementChild.children) readProperty(entry, property);
  }
  entry.name = nameOf(entry.path);
  return entry;
}

function readProperty(entry, { localName, textContent, firstElementChild }) {
  if (localName === "resourcetype") entry.folder = firstElementChild?.localName === "collection";
  else if (localName === "getcontentlength") entry.size = Number(textContent);
  else if (localName === "getlastmodified") entry.modified = Date.parse(textContent) || 0;
  else if (localName === "getetag") entry.etag = textContent;
}

function failureOf(request, path) {
  if (request.status === 401) session.ended();
  const said = request.response?.getElementsByTagNameNS(SABRE, "message")[0]?.textContent ?? "";
  return new Failure(request.status, said, request.getResponseHeader("Filehost-Rule"), nameOf(path));
}

function sentence(status, said, rule, name) {
  if (rule) return ruleSentence(rule, said, name);
  if (status === 413 && data.largest) return say("failure.largest", { size: size(data.largest) });
  const key = `failure.${status}`;
  if (key in data.words) return say(key);
  return said || say("failure.other", { status });
}
