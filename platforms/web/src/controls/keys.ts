// The keyboard, wherever within the element the focus is.

import type { TelecinePlayer } from "../element/telecine-player.js";

/** Seconds that an arrow moves, and that J and L do. */
const STEP = 5;
const LEAP = 10;

/** What keys do that are no buttons of a player. */
export interface Deeds {
  captions(): void;
  full(): void;
}

/** Does what a key stands for. False if it stands for nothing. */
export function press(player: TelecinePlayer, { key, ctrlKey, altKey, metaKey }: KeyboardEvent, deeds: Deeds): boolean {
  if (ctrlKey || altKey || metaKey) return false;
  const { seekable } = player;
  const [first, last] = seekable.length ? [seekable.start(0), seekable.end(seekable.length - 1)] : [0, 0];
  const move = (by: number) => (player.currentTime = Math.min(last, Math.max(first, player.currentTime + by)));
  const louder = (by: number) => {
    player.volume = Math.min(1, Math.max(0, Math.round((player.volume + by) * 100) / 100));
    if (by > 0) player.muted = false;
  };
  switch (key.toLowerCase()) {
    case " ":
    case "k":
      toggle(player);
      break;
    case "m":
      player.muted = !player.muted;
      break;
    case "f":
      deeds.full();
      break;
    case "c":
      deeds.captions();
      break;
    case "arrowleft":
      move(-STEP);
      break;
    case "arrowright":
      move(STEP);
      break;
    case "j":
      move(-LEAP);
      break;
    case "l":
      move(LEAP);
      break;
    case "arrowup":
      louder(0.1);
      break;
    case "arrowdown":
      louder(-0.1);
      break;
    case "home":
      player.currentTime = first;
      break;
    case "end":
      if (player.live) player.seekToLive();
      else player.currentTime = last;
      break;
    default:
      if (!/^[0-9]$/.test(key)) return false;
      player.currentTime = first + ((last - first) * Number(key)) / 10;
  }
  return true;
}

/** Plays what stands, holds what plays. */
export function toggle(player: TelecinePlayer): void {
  // Who may not play is told by `paused`; who cannot, by `error`.
  if (player.paused) player.play().catch(() => {});
  else player.pause();
}
