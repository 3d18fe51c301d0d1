// A cue as the engine tells it: `core/model/src/cue` as values. Null is what the author did not say.

/** Percents, as a number. */
type Percent = number;

/** Each of 0 to 255. */
export interface Rgba {
  r: number;
  g: number;
  b: number;
  a: number;
}

type OneOf<Type extends string, Value> = { type: Type; value: Value };

/** A piece of a cue's text. */
export type Node = OneOf<"text", string> | OneOf<"span", Span> | OneOf<"time", number> | OneOf<"gap", number>;

export interface Span {
  kind: "plain" | "bold" | "italic" | "underline" | "ruby" | "ruby-base" | "ruby-text" | OneOf<"voice", string> | OneOf<"language", string>;
  classes: string[];
  style: TextStyle;
  children: Node[];
}

export type EdgeKind = "none" | "raised" | "depressed" | "uniform" | "shadow-left" | "shadow-right";

export type FontFamily =
  | "default"
  | "monospace-serif"
  | "proportional-serif"
  | "monospace-sans-serif"
  | "proportional-sans-serif"
  | "casual"
  | "cursive"
  | "small-capitals";

export interface TextStyle {
  bold: boolean | null;
  italic: boolean | null;
  underline: boolean | null;
  line_through: boolean | null;
  overline: boolean | null;
  color: Rgba | null;
  background: Rgba | null;
  opacity: number | null;
  /** Of the height of the picture, or of the size that the text would have without it. */
  font_size: OneOf<"ofvideo" | "relative", Percent> | null;
  font_family: FontFamily | OneOf<"named", string> | null;
  edge: { kind: EdgeKind; color: Rgba | null; thickness: Percent | null } | null;
  script: "sub" | "normal" | "super" | null;
  flash: boolean | null;
  visible: boolean | null;
}

export interface Layout {
  writing: "horizontal" | "vertical-rl" | "vertical-lr";
  direction: "auto" | "ltr" | "rtl";
  line: "auto" | OneOf<"number" | "percent", number>;
  line_align: "start" | "center" | "end";
  position: Percent | null;
  position_align: "auto" | "line-left" | "center" | "line-right";
  size: Percent;
  align: "start" | "center" | "end" | "left" | "right" | "justify";
  background: Rgba | null;
  line_height: Percent | null;
  wrap: boolean;
}

export interface Point {
  x: Percent;
  y: Percent;
}

export interface Region {
  id: string;
  anchor: Point;
  position: Point;
  width: OneOf<"percent" | "columns", number>;
  height: OneOf<"percent" | "lines", number>;
  align: "before" | "center" | "after";
  scroll: "none" | "up" | "down" | "left" | "right";
  background: Rgba | null;
  always_visible: boolean;
  opacity: number;
  /** Above, right, below, left. */
  padding: [Percent, Percent, Percent, Percent];
  overflows: boolean;
  border: { kind: EdgeKind; color: Rgba } | null;
  z_index: number;
}

export interface Cue {
  start: number;
  end: number;
  id: string;
  text: Node[];
  style: TextStyle;
  layout: Layout;
  region: Region | null;
  forced: boolean;
}
