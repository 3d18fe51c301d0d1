// What there is of hls.js and not here, by its names.

/** Hooks without which requests would not be what a page wants: refused, as its titles would not load. */
export const HOOKS = ["loader", "fLoader", "pLoader", "requestMediaKeySystemAccessFunc"];

/** Parts that replace hls.js' own: nothing of the kind is there, and titles play without. */
export const PARTS = ["abrController", "bufferController", "capLevelController", "errorController", "fpsController", "drmSystemOptions", "cueHandler", "cmcd"];

/** Methods, and what they give. */
export const METHODS = { removeLevel: undefined, transferMedia: null, createController: undefined, trigger: false, emit: false, pauseBuffering: undefined, resumeBuffering: undefined };

/** Values, and what they are. */
export const VALUES = {
  capLevelToPlayerSize: false,
  inFlightFragments: {},
  interstitialsManager: null,
  latestLevelDetails: null,
  maxHdcpLevel: null,
  pathways: [],
  pathwayPriority: null,
  playingDate: null,
  ttfbEstimate: NaN,
};
