// Sound and subtitles in the shape of hls.js.

import type { Player } from "../../player.js";
import type { Title } from "../title.js";
import { nameOf, type Track } from "../tracks.js";

/** A track of sound or text, as `audioTracks` and `subtitleTracks` have it. */
export interface MediaPlaylist {
  id: number;
  name: string;
  lang: string | undefined;
  type: "AUDIO" | "SUBTITLES";
  default: boolean;
  autoselect: boolean;
  forced: boolean;
  groupId: string;
  channels: string | undefined;
  url: string;
  bitrate: number;
  attrs: { [name: string]: string };
}

/** What a track is to be like: what is left out may be anything. */
export type TrackOption = Partial<Pick<MediaPlaylist, "lang" | "name" | "default" | "forced" | "channels">>;

const TRAITS = ["lang", "name", "default", "forced", "channels"] as const;

/** The tracks of a kind: their ids are their places. */
export class Tracks {
  constructor(
    readonly kind: "audio" | "text",
    readonly title: Title,
    readonly player: Player,
  ) {}

  get all(): MediaPlaylist[] {
    return this.title.of(this.kind).map(playlistOf);
  }

  /** Which is played; -1: none. */
  get played(): number {
    return this.title.place(this.kind);
  }

  get playedPlaylist(): MediaPlaylist | undefined {
    return this.all[this.played];
  }

  /** Plays one; none of the kind where there is none at that place. */
  select(place: number): void {
    this.player.select(this.kind, this.title.of(this.kind)[place]?.id ?? null);
  }

  /** The first that is as wanted. */
  find(wanted: TrackOption = {}): MediaPlaylist | null {
    return this.all.find((one) => TRAITS.every((trait) => wanted[trait] === undefined || wanted[trait] === one[trait])) ?? null;
  }
}

function playlistOf(track: Track, id: number): MediaPlaylist {
  return {
    id,
    name: nameOf(track),
    lang: track.language ?? undefined,
    type: track.kind === "text" ? "SUBTITLES" : "AUDIO",
    default: track.default,
    autoselect: true,
    forced: track.forced,
    groupId: "",
    channels: track.channels?.toString(),
    url: "",
    bitrate: track.renditions[0]?.bitrate ?? 0,
    attrs: {},
  };
}
