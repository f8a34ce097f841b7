// The queue of uploads: several at once with a bound, each decided by a conditional request.

import * as dav from "./dav.js";
import { freeName, join, nameOf, parent } from "./files.js";
import { data, say, size } from "./words.js";

const AT_ONCE = 3;
const TRIES = 6;
const NEW = { "If-None-Match": "*" };

/** One file on its way. States: waiting, sending, paused, asking, done, refused, failed, skipped, cancelled. */
class Upload {
  constructor(path, file) {
    this.path = path;
    this.file = file;
    this.sent = 0;
    this.state = "waiting";
    this.reason = "";
    this.tries = 0;
    this.started = 0;
    this.condition = NEW;
  }

  /** Bytes a second of this attempt, and seconds left; 0 and null where not known yet. */
  get rate() {
    const seconds = (performance.now() - this.started) / 1000;
    return seconds > 0.5 ? this.sent / seconds : 0;
  }

  get left() {
    return this.rate ? (this.file.size - this.sent) / this.rate : null;
  }

  get isOpen() {
    return ["waiting", "sending", "paused", "asking"].includes(this.state);
  }
}

export class Uploads {
  items = [];
  #calls;
  #folders = new Map();
  #running = 0;
  #rule = null; // the visitor's answer for all further clashes of this batch
  #asking = Promise.resolve();
  #samples = [];

  /** `calls`: changed(), stored(folder), clash(upload, present, others) → {action, all}. */
  constructor(calls) {
    this.#calls = calls;
    addEventListener("online", () => this.#resume());
    addEventListener("beforeunload", (event) => {
      if (this.isBusy) event.preventDefault();
    });
  }

  get isBusy() {
    return this.items.some((item) => item.isOpen);
  }

  /** Bytes to send and sent, bytes a second, seconds left; null where not known. */
  get progress() {
    const counted = this.items.filter((item) => item.isOpen || item.state === "done");
    const total = counted.reduce((sum, item) => sum + item.file.size, 0);
    const sent = counted.reduce((sum, item) => sum + (item.state === "done" ? item.file.size : item.sent), 0);
    const rate = this.#rate(sent);
    return { total, sent, rate, left: rate > 0 ? (total - sent) / rate : null };
  }

  /** Send these files, given as {file, path} with paths below `folder`; folders among them as {folder: true, path}. */
  async add(folder, found) {
    if (!this.isBusy) {
      this.items = this.items.filter((item) => item.state === "failed");
      this.#rule = null;
      this.#samples = [];
      // A folder deleted since the last batch is made again.
      this.#folders.clear();
    }
    this.#folders.set(folder, Promise.resolve());
    const wanted = found.map((item) => ({ ...item, path: join(folder, item.path) }));
    const verdicts = await this.#verdicts(wanted);
    wanted.forEach((item, index) => this.#accept(item, verdicts[index]));
    this.#checkRoom();
    this.#calls.changed();
    this.#work();
    await this.#makeEmptyFolders(wanted, verdicts);
  }

  cancel(item) {
    if (!item.isOpen) return;
    item.state = "cancelled";
    item.abort?.abort();
    this.#calls.changed();
    this.#work();
  }

  cancelAll() {
    for (const item of this.items) this.cancel(item);
  }

  retry(item) {
    Object.assign(item, { state: "waiting", reason: "", tries: 0, sent: 0 });
    this.#folders.clear();
    this.#calls.changed();
    this.#work();
  }

  retryAll() {
    for (const item of this.items) if (item.state === "failed") this.retry(item);
  }

  /** Take what is finished off the list. */
  clear() {
    this.items = this.items.filter((item) => item.isOpen);
    this.#calls.changed();
  }

  async #verdicts(wanted) {
    try {
      return await dav.check(wanted.map(({ path, folder }) => ({ path, folder: Boolean(folder) })));
    } catch {
      return wanted.map(() => null); // Without an answer now, each PUT will get one.
    }
  }

  #accept(item, verdict) {
    if (verdict?.rule === "side" || verdict?.rule === "staging") return; // .DS_Store and its like
    if (item.folder && !verdict) return;
    const upload = new Upload(item.path, item.file ?? new File([], nameOf(item.path)));
    const tooLarge = data.largest !== null && upload.file.size > data.largest;
    if (verdict)
      this.#end(upload, "refused", dav.ruleSentence(verdict.rule, verdict.message, nameOf(item.path)));
    else if (tooLarge) this.#end(upload, "refused", say("failure.largest", { size: size(data.largest) }));
    this.items.push(upload);
  }

  /** Say before sending that the space does not suffice, for those at the end of the queue. */
  #checkRoom() {
    let room = data.usage.available;
    for (const item of this.items.filter((one) => one.isOpen)) {
      room -= item.file.size - item.sent;
      if (room < 0 && item.state === "waiting") this.#end(item, "refused", say("failure.507"));
    }
  }

  async #makeEmptyFolders(wanted, verdicts) {
    const folders = wanted.filter((item, index) => item.folder && !verdicts[index]);
    for (const { path } of folders) await this.#makeFolder(path).catch(() => {});
    if (folders.length) this.#calls.stored(parent(folders[0].path));
  }

  #work() {
    while (this.#running < AT_ONCE && navigator.onLine !== false) {
      const item = this.items.find((one) => one.state === "waiting");
      if (!item) return;
      this.#running++;
      item.state = "sending";
      this.#send(item).finally(() => {
        this.#running--;
        this.#calls.changed();
        this.#work();
      });
    }
  }

  async #send(item) {
    item.abort = new AbortController();
    item.sent = 0;
    item.started = performance.now();
    try {
      await this.#makeFolder(parent(item.path), item.abort.signal);
      await dav.put(item.path, item.file, {
        condition: item.condition,
        signal: item.abort.signal,
        progress: (sent) => {
          item.sent = sent;
          this.#calls.changed();
        },
      });
      item.sent = item.file.size;
      this.#end(item, "done");
      this.#calls.stored(parent(item.path));
    } catch (error) {
      await this.#settle(item, error);
    }
  }

  /** What a failed attempt means: a clash to be decided, a pause, or an end. */
  async #settle(item, error) {
    if (error.name === "AbortError" || item.state === "cancelled") return;
    // Not waited for: the others go on while the visitor thinks.
    if (error.status === 412) return void this.#decide(item);
    if (error.status === 401) return this.#pause(item, say("upload.signin"), null);
    if (error.passes && ++item.tries < TRIES) {
      const wait = Math.min(30, 2 ** item.tries);
      return this.#pause(item, say(error.status ? "upload.busy" : "upload.offline"), wait * 1000);
    }
    this.#end(item, error.status === 403 ? "refused" : "failed", await this.#reason(item, error));
  }

  async #reason(item, error) {
    if (error.status === 0 && !(await readable(item.file))) return say("upload.gone");
    return error.message;
  }

  #pause(item, reason, milliseconds) {
    item.state = "paused";
    item.reason = reason;
    if (milliseconds === null) return;
    setTimeout(() => {
      if (item.state === "paused") item.state = "waiting";
      this.#work();
    }, milliseconds);
  }

  #resume() {
    for (const item of this.items) if (item.state === "paused") item.state = "waiting";
    this.#work();
  }

  /** Sign-in is back: go on. */
  signedIn() {
    this.#resume();
  }

  /** Something has this name. One question at a time; the condition of the next attempt keeps the answer true. */
  async #decide(item) {
    item.state = "asking";
    this.#calls.changed();
    const turn = this.#asking.then(() => this.#ask(item));
    this.#asking = turn.catch(() => {});
    try {
      await turn;
    } catch (error) {
      this.#end(item, "failed", error.message);
    } finally {
      this.#calls.changed();
    }
  }

  async #ask(item) {
    if (item.state !== "asking") return;
    const present = await dav.stat(item.path);
    if (!present) return this.#again(item, item.path, NEW);
    const action = this.#rule ?? (await this.#question(item, present));
    if (item.state !== "asking") return;
    if (action === "replace" && !present.folder) this.#again(item, item.path, { "If-Match": present.etag });
    else if (action === "keep" || (action === "replace" && present.folder)) {
      const taken = new Set((await dav.list(parent(item.path))).map((entry) => entry.name.toLowerCase()));
      for (const other of this.items)
        if (parent(other.path) === parent(item.path)) taken.add(nameOf(other.path).toLowerCase());
      this.#again(item, join(parent(item.path), freeName(nameOf(item.path), taken)), NEW);
    } else this.#end(item, "skipped");
  }

  async #question(item, present) {
    const others = this.items.filter((other) => other !== item && other.isOpen).length;
    const { action, all } = await this.#calls.clash(item, present, others);
    if (all) this.#rule = action;
    return action;
  }

  #again(item, path, condition) {
    Object.assign(item, { path, condition, state: "waiting", sent: 0 });
    this.#work();
  }

  #end(item, state, reason = "") {
    if (item.state === "cancelled") return;
    item.state = state;
    item.reason = reason;
  }

  /** Make a folder and those above it, once each. */
  #makeFolder(path, signal) {
    if (path === "/") return Promise.resolve();
    if (!this.#folders.has(path)) {
      const made = dav
        .makeFolder(path, signal)
        .catch((error) =>
          error.status === 409
            ? this.#makeFolder(parent(path)).then(() => dav.makeFolder(path))
            : Promise.reject(error),
        );
      this.#folders.set(path, made);
      made.then((isNew) => isNew && this.#calls.stored(parent(path))).catch(() => this.#folders.delete(path));
    }
    return this.#folders.get(path);
  }

  /** Bytes a second over the last seconds. */
  #rate(sent) {
    const now = performance.now();
    const last = this.#samples.at(-1);
    if (!last || now - last.now > 250) this.#samples.push({ now, sent });
    while (this.#samples.length > 2 && now - this.#samples[0].now > 6000) this.#samples.shift();
    const first = this.#samples[0];
    return now - first.now > 500 ? Math.max(0, ((sent - first.sent) * 1000) / (now - first.now)) : 0;
  }
}

async function readable(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}
