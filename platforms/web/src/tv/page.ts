// `tv/telecine.js`: the player for a page of an old television, in the global `telecine`.

export { Player, type Options } from "../player.js";
