// A button and the menu that it opens (WAI-ARIA, "menu button").

import { button, type Icon } from "./icons.js";

/** An entry: one of several of which one is chosen, or something to do. */
export interface Entry {
  label: string;
  /** Whether it is the chosen one; undefined for something to do. */
  checked?: boolean;
  act(): void;
}

/** One menu is open at most. */
export class Menu {
  readonly button: HTMLButtonElement;
  readonly element = document.createElement("div");

  constructor(
    icon: Icon,
    word: string,
    /** What there is now. With fewer than two entries there is no button. */
    readonly entries: () => Entry[],
    readonly opened: (menu: Menu) => void,
  ) {
    this.button = button(icon, word, () => (this.isOpen ? this.close() : this.open()));
    this.button.setAttribute("aria-haspopup", "menu");
    this.button.setAttribute("aria-expanded", "false");
    const { element } = this;
    element.className = "menu";
    element.setAttribute("role", "menu");
    element.setAttribute("aria-label", word);
    element.hidden = true;
    element.addEventListener("keydown", (event) => this.#key(event));
    element.addEventListener("focusout", ({ relatedTarget }) => {
      if (relatedTarget !== this.button && !element.contains(relatedTarget as Node | null)) this.close(false);
    });
    this.update();
  }

  get isOpen(): boolean {
    return !this.element.hidden;
  }

  /** What there is may have changed. */
  update(): void {
    this.button.hidden = this.entries().length < 2;
    if (this.isOpen && this.button.hidden) this.close(false);
  }

  open(): void {
    const items = this.entries().map(({ label, checked, act }) => {
      const item = document.createElement("button");
      item.type = "button";
      item.tabIndex = -1;
      item.textContent = label;
      item.setAttribute("role", checked === undefined ? "menuitem" : "menuitemradio");
      if (checked !== undefined) item.setAttribute("aria-checked", String(checked));
      item.addEventListener("click", () => {
        this.close();
        act();
      });
      return item;
    });
    this.element.replaceChildren(...items);
    this.element.hidden = false;
    this.button.setAttribute("aria-expanded", "true");
    this.opened(this);
    (items.find((item) => item.getAttribute("aria-checked") === "true") ?? items[0])?.focus();
  }

  close(focus = true): void {
    if (!this.isOpen) return;
    this.element.hidden = true;
    this.button.setAttribute("aria-expanded", "false");
    if (focus) this.button.focus();
  }

  #key(event: KeyboardEvent): void {
    const items = [...this.element.querySelectorAll("button")];
    const at = items.indexOf((this.element.getRootNode() as ShadowRoot).activeElement as HTMLButtonElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (to !== undefined) items.at(to % items.length)?.focus();
    else if (event.key === "Escape") this.close();
    else if (event.key === "Tab") return this.close(false);
    else if (event.key !== "Enter" && event.key !== " ") return;
    // Keys within a menu are the menu's; Enter and space press the button that has the focus.
    event.stopPropagation();
    if (event.key !== "Enter" && event.key !== " ") event.preventDefault();
  }
}
