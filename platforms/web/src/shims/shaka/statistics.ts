// What is known of Shaka's statistics.

import type { Title } from "../title.js";

/** A rendition that came on the screen. */
export interface Switch {
  timestamp: number;
  id: number;
  type: string;
  fromAdaptation: boolean;
  bandwidth: number | null;
}

/** What is not known is NaN, as there. */
export function statisticsOf(video: HTMLVideoElement | null, title: Title | undefined, switchHistory: Switch[]): { [name: string]: number | string | object } {
  const quality = video?.getVideoPlaybackQuality();
  const shown = title?.ladder.find(({ id }) => id === title.shown);
  const latency = title && !Number.isNaN(title.firstAt) ? (title.firstAt - title.loadedAt) / 1000 : NaN;
  return {
    width: video?.videoWidth ?? NaN,
    height: video?.videoHeight ?? NaN,
    streamBandwidth: shown?.bitrate ?? NaN,
    currentCodecs: shown?.codecs ?? "",
    estimatedBandwidth: title?.throughput ?? NaN,
    decodedFrames: quality?.totalVideoFrames ?? NaN,
    droppedFrames: quality?.droppedVideoFrames ?? NaN,
    corruptedFrames: NaN,
    stallsDetected: title?.stalls ?? NaN,
    bufferingTime: (title?.stalledMs ?? NaN) / 1000,
    loadLatency: latency,
    timeToFirstFrame: latency,
    liveLatency: title?.edge?.latency ?? NaN,
    completionPercent: video && title && Number.isFinite(title.duration) ? Math.round((100 * video.currentTime) / title.duration) : NaN,
    gapsJumped: NaN,
    manifestTimeSeconds: NaN,
    drmTimeSeconds: NaN,
    licenseTime: NaN,
    playTime: NaN,
    pauseTime: NaN,
    maxSegmentDuration: NaN,
    bytesDownloaded: NaN,
    nonFatalErrorCount: NaN,
    manifestSizeBytes: NaN,
    manifestPeriodCount: NaN,
    manifestGapCount: NaN,
    switchHistory,
    stateHistory: [],
  };
}
