// A cue as the engine tells it, by the names that are used here.

import type { FontFamily as AnyFamily, TextEdge } from "../boundary/told.js";

export type { Cue, CueLayout as Layout, CueNode as Node, CueRegion as Region, CueSpan as Span, Point, Rgba, TextStyle } from "../boundary/told.js";

export type EdgeKind = TextEdge["kind"];

/** The families that a viewer chooses from; an author may name others. */
export type FontFamily = Extract<AnyFamily, string>;
