// A title as the engine tells it: what can be chosen at the playhead.

/** An encoding that the engine switches to and from. */
export interface Rendition {
  id: string;
  bitrate: number;
  width: number | null;
  height: number | null;
  frame_rate: number | null;
  codecs: string;
  hdr: string | null;
}

/** What a viewer chooses. */
export interface Track {
  id: string;
  kind: "video" | "audio" | "text";
  language: string | null;
  label: string | null;
  roles: string[];
  selected: boolean;
  renditions: Rendition[];
}

/** Pictures of moments of the title, several in an image. */
export interface Thumbnails {
  columns: number;
  rows: number;
  images: { url: string; start: number; duration: number }[];
}

export interface Presentation {
  live: boolean;
  title: string | null;
  tracks: Track[];
  thumbnails: Thumbnails[];
  /** Where a list of chapters is. */
  chapters: string | null;
}
