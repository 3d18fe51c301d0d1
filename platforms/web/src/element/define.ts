// `telecine/element`: importing it defines the element.

import { TelecinePlayer } from "./telecine-player.js";

export * from "./telecine-player.js";
export { Player, type Options } from "../player.js";

declare global {
  interface HTMLElementTagNameMap {
    "telecine-player": TelecinePlayer;
  }
}

if (!customElements.get("telecine-player")) customElements.define("telecine-player", TelecinePlayer);
