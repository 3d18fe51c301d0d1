// What the element asks of the engine beyond what every page does.

import type { Player } from "../player.js";
import type { Presentation } from "./presentation.js";

/** Until the player has them itself. */
interface More {
  presentation?(): Promise<Presentation>;
  constrain?(constraints: { renditions: string[] | null }): void;
}

export const presentationOf = async (player: Player): Promise<Presentation | undefined> => (player as Player & More).presentation?.();

export const constrain = (player: Player, constraints: { renditions: string[] | null }): void => (player as Player & More).constrain?.(constraints);
