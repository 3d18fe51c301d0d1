// What the element asks of the engine beyond what every page does.

import type { Player } from "../player.js";
import type { Presentation } from "./presentation.js";

/** Until the player has them itself. */
interface More {
  presentation?(): Promise<Presentation | null>;
  qoe?(): Promise<{ by_pathway: { [pathway: string]: number } } | null>;
  constrain?(constraints: { renditions: string[] | null }): void;
}

/** What there is to choose from; undefined before anything is known. */
export async function presentationOf(player: Player): Promise<Presentation | undefined> {
  return (await (player as unknown as More).presentation?.()) ?? undefined;
}

/** Requests so far, by the pathway that they went to; empty before anything is known. */
export async function pathwaysOf(player: Player): Promise<{ [pathway: string]: number }> {
  return (await (player as unknown as More).qoe?.())?.by_pathway ?? {};
}

/** Bounds what the engine chooses from; null is no bound. */
export function constrain(player: Player, constraints: { renditions: string[] | null }): void {
  (player as unknown as More).constrain?.(constraints);
}
