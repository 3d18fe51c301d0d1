// What the player asks of the browser beside its language, by its older names.

/** Chromium's counts of pictures before `getVideoPlaybackQuality` (2020). */
interface Counting {
  webkitDecodedFrameCount?: number;
  webkitDroppedFrameCount?: number;
}

const video = (self as { HTMLVideoElement?: typeof HTMLVideoElement }).HTMLVideoElement?.prototype;
if (video && !video.getVideoPlaybackQuality) {
  video.getVideoPlaybackQuality = function (this: HTMLVideoElement & Counting) {
    const { webkitDecodedFrameCount: totalVideoFrames = 0, webkitDroppedFrameCount: droppedVideoFrames = 0 } = this;
    return { totalVideoFrames, droppedVideoFrames, corruptedVideoFrames: 0, creationTime: performance.now() };
  };
}
// Workers had no marks at first; they are for whoever looks at a profile.
if (!performance.mark) performance.mark = () => undefined as never;
