// The names of hls.js' events, and those among them that come.

export const Events = {
  MEDIA_ATTACHING: "hlsMediaAttaching",
  MEDIA_ATTACHED: "hlsMediaAttached",
  MEDIA_DETACHING: "hlsMediaDetaching",
  MEDIA_DETACHED: "hlsMediaDetached",
  MEDIA_ENDED: "hlsMediaEnded",
  MANIFEST_LOADING: "hlsManifestLoading",
  MANIFEST_LOADED: "hlsManifestLoaded",
  MANIFEST_PARSED: "hlsManifestParsed",
  LEVEL_SWITCHING: "hlsLevelSwitching",
  LEVEL_SWITCHED: "hlsLevelSwitched",
  LEVEL_LOADED: "hlsLevelLoaded",
  AUDIO_TRACKS_UPDATED: "hlsAudioTracksUpdated",
  AUDIO_TRACK_SWITCHING: "hlsAudioTrackSwitching",
  AUDIO_TRACK_SWITCHED: "hlsAudioTrackSwitched",
  SUBTITLE_TRACKS_UPDATED: "hlsSubtitleTracksUpdated",
  SUBTITLE_TRACK_SWITCH: "hlsSubtitleTrackSwitch",
  FRAG_BUFFERED: "hlsFragBuffered",
  ERROR: "hlsError",
  DESTROYING: "hlsDestroying",
} as const;
