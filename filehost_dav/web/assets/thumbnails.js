// Small pictures of pictures, made by the browser, a few at a time, only for rows that stay in sight.

import { encode } from "./files.js";

const LARGEST = 12e6; // bytes of a picture worth fetching for its thumbnail
const SIDE = 96;
const AT_ONCE = 2;
const KEPT = 400;

const made = new Map();
const waiting = [];
let running = 0;

/** Put the thumbnail of a picture into `place`, which shows its icon until then. */
export function thumbnail(entry, place) {
  if (entry.size > LARGEST || navigator.connection?.saveData || entry.name.toLowerCase().endsWith(".svg"))
    return;
  const key = `${entry.path} ${entry.etag}`;
  if (made.has(key)) show(place, made.get(key));
  else {
    waiting.push({ key, entry, place });
    setTimeout(work, 120);
  }
}

async function work() {
  if (running >= AT_ONCE || !waiting.length) return;
  // The newest first: that is what is in sight after a long scroll.
  const { key, entry, place } = waiting.pop();
  if (!place.isConnected) return work();
  running++;
  try {
    if (!made.has(key)) keep(key, await make(entry));
    show(place, made.get(key));
  } catch {
    // Not a picture after all: the icon stays.
  } finally {
    running--;
    work();
  }
}

async function make(entry) {
  const answer = await fetch(encode(entry.path), { headers: { "X-Requested-With": "Filehost" } });
  if (!answer.ok) throw new Error(answer.statusText);
  const bitmap = await createImageBitmap(await answer.blob());
  const scale = Math.min(1, SIDE / Math.min(bitmap.width, bitmap.height));
  const canvas = new OffscreenCanvas(Math.max(1, bitmap.width * scale), Math.max(1, bitmap.height * scale));
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return URL.createObjectURL(await canvas.convertToBlob({ type: "image/webp", quality: 0.8 }));
}

function keep(key, url) {
  made.set(key, url);
  if (made.size > KEPT) {
    const [oldest, old] = made.entries().next().value;
    made.delete(oldest);
    URL.revokeObjectURL(old);
  }
}

function show(place, url) {
  const image = new Image();
  image.alt = "";
  image.onload = () => {
    place.replaceChildren(image);
    place.classList.add("picture");
  };
  image.src = url;
}
