// Questions and menus. Dialogues are the browser's own: they keep the focus and close by Escape.

import { button, h } from "./dom.js";
import { say } from "./words.js";

/** Show a dialogue until it closes; `build(close)` gives its content. The value it was closed with, or null. */
export function dialog(title, build, { cls = "", role = "dialog" } = {}) {
  return new Promise((resolve) => {
    let outcome = null;
    const before = document.activeElement;
    const element = h("dialog", { class: cls, role, "aria-labelledby": "dialog-title" });
    const close = (value = null) => {
      outcome = value;
      element.close();
    };
    element.addEventListener("close", () => {
      element.remove();
      before?.focus?.({ preventScroll: true });
      resolve(outcome);
    });
    element.addEventListener("pointerdown", (event) => {
      if (event.target === element && isOutside(event, element)) close();
    });
    element.append(h("h2", { id: "dialog-title" }, title), ...[build(close, element)].flat());
    document.body.append(element);
    element.showModal();
    element.querySelector("[autofocus]")?.focus();
  });
}

/** Ask for a name; null when the visitor thinks better of it. `refuse(name)` gives a reason or nothing. */
export function askName(title, { label, value = "", action, refuse = async () => null, stem = value.length }) {
  return dialog(title, (close) => {
    const problem = h("p", { class: "problem", role: "alert", id: "name-problem" });
    const input = h("input", {
      value,
      autofocus: true,
      id: "name-input",
      autocomplete: "off",
      spellcheck: "false",
      "aria-describedby": "name-problem",
      required: true,
    });
    input.value = value;
    queueMicrotask(() => input.setSelectionRange(0, stem));
    const submit = async (event) => {
      event.preventDefault();
      const name = input.value.trim();
      const reason = name === value && value ? null : await refuse(name);
      problem.textContent = reason ?? "";
      input.toggleAttribute("aria-invalid", Boolean(reason));
      if (!reason) close(name);
    };
    return h(
      "form",
      { onsubmit: submit },
      h("label", { for: "name-input" }, label),
      input,
      problem,
      h(
        "div",
        { class: "buttons" },
        button(say("cancel"), { onclick: () => close() }),
        h("button", { class: "button primary" }, action),
      ),
    );
  });
}

/** A question with buttons: {value, label, cls}. The value chosen, or null. */
export function choose(title, text, choices, extra = []) {
  return dialog(
    title,
    (close) => [
      h("p", {}, text),
      ...extra,
      h(
        "div",
        { class: "buttons" },
        ...choices.map(({ value, label, cls = "", focus }) =>
          button(label, { cls, autofocus: focus, onclick: () => close(value) }),
        ),
      ),
    ],
    { role: "alertdialog" },
  );
}

/** A menu at a place on the screen: items {label, glyph, act, danger} or null for a line. */
export function menu(items, place, label) {
  const before = document.activeElement;
  const element = h("div", { class: "menu", role: "menu", popover: "auto", "aria-label": label });
  for (const item of items) {
    if (!item) element.append(h("hr", { role: "separator" }));
    else
      element.append(
        button(item.label, {
          glyph: item.glyph,
          cls: item.danger ? "danger" : "",
          role: "menuitem",
          tabindex: "-1",
          onclick: () => {
            element.hidePopover();
            item.act();
          },
        }),
      );
  }
  const choices = [...element.querySelectorAll("[role=menuitem]")];
  element.addEventListener("keydown", (event) => moveInMenu(event, element, choices));
  element.addEventListener("toggle", (event) => {
    if (event.newState !== "closed") return;
    const had = element.contains(document.activeElement) || document.activeElement === document.body;
    element.remove();
    if (had) before?.focus?.({ preventScroll: true });
  });
  (document.querySelector("main") ?? document.body).append(element);
  element.showPopover();
  const { width, height } = element.getBoundingClientRect();
  element.style.left = `${Math.max(8, Math.min(place.right - (place.width ? width : 0), innerWidth - width - 8))}px`;
  element.style.top = `${place.bottom + height + 8 > innerHeight ? Math.max(8, place.top - height) : place.bottom + 4}px`;
  choices[0]?.focus();
}

const shelf = h("div", { class: "toasts", role: "status", "aria-live": "polite" });

/** A short notice at the foot of the page, perhaps with one thing to do about it. */
export function toast(text, { action, act, bad = false } = {}) {
  if (!shelf.isConnected) document.body.append(shelf);
  // A dialogue lies above everything else on the page; so must the notice.
  if (shelf.showPopover && !shelf.hasAttribute("popover")) shelf.setAttribute("popover", "manual");
  if (shelf.matches(":popover-open")) shelf.hidePopover?.();
  shelf.showPopover?.();
  const element = h("div", { class: bad ? "toast bad" : "toast" }, h("span", {}, text));
  const close = () => {
    element.remove();
    if (!shelf.children.length) shelf.hidePopover?.();
  };
  if (action) element.append(button(action, { cls: "link", onclick: () => (close(), act()) }));
  element.append(button(say("close"), { glyph: "close", quiet: true, onclick: close }));
  let timer = setTimeout(close, action || bad ? 12000 : 5000);
  const hold = () => clearTimeout(timer);
  const go = () => (timer = setTimeout(close, 5000));
  element.addEventListener("pointerenter", hold);
  element.addEventListener("focusin", hold);
  element.addEventListener("pointerleave", go);
  element.addEventListener("focusout", go);
  while (shelf.children.length > 2) shelf.firstChild.remove();
  shelf.append(element);
}

function moveInMenu(event, element, choices) {
  const steps = { ArrowDown: 1, ArrowUp: -1 };
  const here = choices.indexOf(document.activeElement);
  let next = null;
  if (event.key in steps) next = (here + steps[event.key] + choices.length) % choices.length;
  else if (event.key === "Home") next = 0;
  else if (event.key === "End") next = choices.length - 1;
  else if (event.key === "Tab") element.hidePopover();
  else if (event.key.length === 1 && event.key !== " ") {
    next = choices.findIndex(
      (choice, index) => index > here && choice.textContent.toLowerCase().startsWith(event.key.toLowerCase()),
    );
    if (next < 0) return;
  }
  if (next === null) return;
  event.preventDefault();
  event.stopPropagation();
  choices[next].focus();
}

function isOutside(event, element) {
  const { left, right, top, bottom } = element.getBoundingClientRect();
  return event.clientX < left || event.clientX > right || event.clientY < top || event.clientY > bottom;
}
