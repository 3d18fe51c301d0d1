// What there is of Shaka and not here, by its names.

import { NOTHING_COMES } from "../absent.js";

/** Methods, and what they give. */
export const METHODS = {
  attachCanvas: undefined, addFont: undefined, destroyAllPreloads: undefined, getAdManager: null, getQueueManager: null, getManifest: null, getManifestParserFactory: null,
  getFetchedPlaybackInfo: null, getActiveSessionsMetadata: [], getChapters: [], getChaptersTracks: [], getImageTracks: [], getPlayheadTimeAsDate: null,
  getPresentationStartTimeAsDate: null, getSegmentAvailabilityDuration: null, getExpiration: Infinity, getKeyStatuses: {}, drmInfo: null, keySystem: "",
  releaseAllMutexes: undefined, setMaxHardwareResolution: undefined, setVideoContainer: undefined, updateStartTime: undefined, useTrickPlayTrackIfAvailable: undefined,
  renewLicense: undefined, retryLicensing: false, isRemotePlayback: false, configurationForLowLatency: undefined, getConfigurationForLowLatency: {},
  addChaptersTrack: NOTHING_COMES, addTextTrackAsync: NOTHING_COMES, addThumbnailsTrack: NOTHING_COMES, detachAndSavePreload: NOTHING_COMES,
  getAllThumbnails: NOTHING_COMES, getThumbnails: NOTHING_COMES, getChaptersAsync: NOTHING_COMES, preload: NOTHING_COMES, unloadAndSavePreload: NOTHING_COMES,
};

/** Options that are hooks into Shaka's own parts. */
export const HOOKS = ["abrFactory", "adaptationSetCriteriaFactory", "textDisplayFactory", "offline", "ads", "queue", "cmcd", "cmsd"];
