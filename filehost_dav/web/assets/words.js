// What the page says and how it writes numbers and times, in the visitor's language.

export const data = JSON.parse(document.getElementById("data").textContent);
// The visitor's own region, where it speaks the page's language: en-GB writes times otherwise than en-US.
const language = navigator.languages.find((one) => one.split("-")[0] === data.language) ?? data.language;

const plurals = new Intl.PluralRules(language);
const clock = new Intl.DateTimeFormat(language, { hour: "numeric", minute: "2-digit" });
const day = new Intl.DateTimeFormat(language, { day: "numeric", month: "short" });
const date = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", year: "numeric" });
const exact = new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "medium" });
const plain = new Intl.NumberFormat(language);
const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte", "petabyte"];

export const byName = new Intl.Collator(language, { numeric: true, sensitivity: "base" }).compare;

/** The sentence of that key, its {name} places filled in. */
export function say(key, values = {}) {
  const text = data.words[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (place, name) => (name in values ? String(values[name]) : place));
}

/** As `say`, in the form for the number n. */
export function count(key, n, values = {}) {
  return say(`${key}.${plurals.select(n) === "one" ? "one" : "other"}`, { ...values, n: number(n) });
}

export const number = (value) => plain.format(value);

/** Bytes as people write them: 1.2 MB. */
export function size(bytes) {
  let unit = 0;
  let value = bytes;
  while (value >= 999.5 && unit < units.length - 1) [value, unit] = [value / 1000, unit + 1];
  return unit ? sizeFormat(units[unit], value < 99.5 ? 1 : 0).format(value) : `${number(bytes)} B`;
}

const sizeFormats = new Map();

// Making a format takes far longer than using it.
function sizeFormat(unit, digits) {
  const key = `${unit} ${digits}`;
  if (!sizeFormats.has(key)) {
    const options = {
      style: "unit",
      unit,
      unitDisplay: "short",
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    };
    sizeFormats.set(key, new Intl.NumberFormat(language, options));
  }
  return sizeFormats.get(key);
}

/** A moment as people say it: today 14:05, yesterday 9:00, 3 May, 3 May 2019. */
export function moment(time, now = new Date()) {
  const then = new Date(time);
  const days = Math.round((midnight(now) - midnight(then)) / 86400000);
  if (days === 0) return say("time.today", { time: clock.format(then) });
  if (days === 1) return say("time.yesterday", { time: clock.format(then) });
  return (then.getFullYear() === now.getFullYear() ? day : date).format(then);
}

export const exactMoment = (time) => exact.format(new Date(time));

/** Seconds left, roughly, as people say it. */
export function duration(seconds) {
  if (seconds < 60) return say("time.seconds", { n: number(Math.max(1, Math.round(seconds))) });
  if (seconds < 3600) return say("time.minutes", { n: number(Math.round(seconds / 60)) });
  const hours = Math.floor(seconds / 3600);
  return say("time.hours", { h: number(hours), n: number(Math.round((seconds % 3600) / 60)) });
}

function midnight(time) {
  return new Date(time.getFullYear(), time.getMonth(), time.getDate());
}
