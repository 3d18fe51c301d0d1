// Tracks in the shapes of Shaka.

import type { Title } from "../title.js";
import { codecsOf, type Rendition, type Track as Known } from "../tracks.js";

/** A picture with a sound, as `getVariantTracks` has it. */
export interface Track {
  id: number;
  type: "variant";
  active: boolean;
  bandwidth: number;
  videoBandwidth: number | null;
  language: string;
  label: string | null;
  kind: null;
  width: number | null;
  height: number | null;
  frameRate: number | null;
  codecs: string | null;
  videoCodec: string | null;
  audioCodec: string | null;
  roles: string[];
  audioRoles: string[] | null;
  channelsCount: number | null;
  primary: boolean;
  originalVideoId: string | null;
  originalAudioId: string | null;
  videoId: number | null;
  audioId: number | null;
}

/** A track of text or of sound. */
export interface PlainTrack {
  id: number;
  type: "text" | "audio";
  active: boolean;
  language: string;
  label: string | null;
  kind: string | null;
  roles: string[];
  primary: boolean;
  forced: boolean;
  channelsCount: number | null;
}

/** A picture, as `getVideoTracks` has it. */
export interface VideoTrack {
  active: boolean;
  bandwidth: number;
  width: number | null;
  height: number | null;
  frameRate: number | null;
  codecs: string | null;
  label: null;
  language: string;
  roles: string[];
}

/** A language in a role. */
export interface LanguageRole {
  language: string;
  role: string;
  label: string | null;
}

/** Each picture with each sound. */
export function variantsOf(title: Title | undefined): Track[] {
  if (!title?.known) return [];
  const { ladder } = title;
  const sounds = title.of("audio").length ? title.of("audio") : [undefined];
  const playing = title.selected("audio");
  return sounds.flatMap((sound, place) =>
    ladder.map((rendition, index) => {
      const active = rendition.id === (title.shown ?? title.chosen) && (!sound || sound === playing);
      return variantOf(rendition, sound, { id: place * ladder.length + index, videoId: index, audioId: sound ? place : null, active });
    }),
  );
}

export function picturesOf(title: Title | undefined): VideoTrack[] {
  return (title?.of("video").length ? title.ladder : []).map(({ id, bitrate, width, height, frame_rate: frameRate, codecs }) => ({
    active: id === title?.shown,
    bandwidth: bitrate,
    width,
    height,
    frameRate,
    codecs,
    label: null,
    language: "",
    roles: [],
  }));
}

/** The tracks of a kind: their ids are their places. */
export function plainOf(title: Title | undefined, kind: "audio" | "text"): PlainTrack[] {
  const active = title?.place(kind);
  return (title?.known ? title.of(kind) : []).map(({ language, label, roles, default: primary, forced, channels }, id) => ({
    id,
    type: kind,
    active: id === active,
    language: language ?? "und",
    label,
    kind: kind === "text" ? (roles.includes("caption") ? "caption" : "subtitle") : null,
    roles,
    primary,
    forced,
    channelsCount: channels,
  }));
}

export function languagesOf(tracks: PlainTrack[]): string[] {
  return [...new Set(tracks.map(({ language }) => language))];
}

export function languageRolesOf(tracks: PlainTrack[]): LanguageRole[] {
  return tracks.flatMap(({ language, roles, label }) => (roles.length ? roles : [""]).map((role) => ({ language, role, label })));
}

function variantOf(rendition: Rendition, sound: Known | undefined, of: Pick<Track, "id" | "videoId" | "audioId" | "active">): Track {
  const codecs = codecsOf(rendition);
  return {
    ...of,
    type: "variant",
    bandwidth: rendition.bitrate + (sound?.renditions[0]?.bitrate ?? 0),
    videoBandwidth: rendition.bitrate,
    language: sound?.language ?? "und",
    label: sound?.label ?? null,
    kind: null,
    width: rendition.width,
    height: rendition.height,
    frameRate: rendition.frame_rate,
    codecs: rendition.codecs,
    videoCodec: codecs.video ?? null,
    audioCodec: sound?.renditions[0]?.codecs ?? codecs.audio ?? null,
    roles: [],
    audioRoles: sound?.roles ?? null,
    channelsCount: sound?.channels ?? null,
    primary: sound?.default ?? false,
    originalVideoId: rendition.id,
    originalAudioId: sound?.id ?? null,
  };
}
