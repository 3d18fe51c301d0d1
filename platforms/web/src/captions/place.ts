// Where a cue without a region is put (WebVTT, 7.2 "apply WebVTT cue settings").

import type { Layout } from "./cue.js";

/** A box along and across its lines, in percents: along is from the left of horizontal lines, from the top of vertical ones. */
export interface Along {
  from: number;
  size: number;
}

/** Where a cue's lines are, along themselves. */
export function along(layout: Layout): Along {
  const { align } = layout;
  const rtl = layout.direction === "rtl";
  const first = align === "left" || (align === "start" && !rtl) || (align === "end" && rtl);
  const last = align === "right" || (align === "end" && !rtl) || (align === "start" && rtl);
  const position = layout.position ?? (first ? 0 : last ? 100 : 50);
  const by = layout.position_align === "auto" ? (first ? "line-left" : last ? "line-right" : "center") : layout.position_align;
  const room = by === "line-left" ? 100 - position : by === "line-right" ? position : 2 * Math.min(position, 100 - position);
  const size = Math.max(0, Math.min(layout.size, room));
  const from = by === "line-left" ? position : by === "line-right" ? position - size : position - size / 2;
  return { from, size };
}

/** A rectangle in pixels. */
export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

const overlaps = (a: Box, b: Box) =>
  a.left < b.left + b.width - 0.5 && b.left < a.left + a.width - 0.5 && a.top < b.top + b.height - 0.5 && b.top < a.top + a.height - 0.5;

/**
 * Where a cue goes across its lines, in pixels from the top (or from the left where lines are vertical): at its line, and moved by
 * lines from there to the nearest place that is free.
 */
export function across(layout: Layout, box: Box, line: number, room: { width: number; height: number }, taken: Box[]): number {
  const vertical = layout.writing !== "horizontal";
  const [extent, total] = vertical ? [box.width, room.width] : [box.height, room.height];
  let number = layout.line === "auto" || layout.line.type === "percent" ? -1 : Math.round(layout.line.value);
  // The first of lines that go to the left is at the right.
  if (layout.writing === "vertical-rl") number = -(number + 1);
  const begin = number < 0 ? total + line * number : line * number;
  const at = (place: number): Box => (vertical ? { ...box, left: place } : { ...box, top: place });
  const fits = (place: number) => place >= -0.5 && place + extent <= total + 0.5;
  const free = (place: number) => !taken.some((other) => overlaps(at(place), other));
  for (const step of number < 0 ? [-line, line] : [line, -line]) {
    let place = begin;
    // Into the picture first, then on to where nobody is.
    while (!fits(place) && (step > 0 ? place < 0 : place + extent > total)) place += step;
    for (; fits(place); place += step) if (free(place)) return place;
  }
  return Math.max(0, Math.min(begin, total - extent));
}
