// Which Media Source a browser has, and how an element is given one.

/** The parts of ManagedMediaSource (WebKit) that are not in MediaSource. */
type Class = typeof MediaSource;
const known = globalThis as { MediaSource?: Class; ManagedMediaSource?: Class };

/** MediaSource, or ManagedMediaSource where there is nothing else; undefined without any. */
export function mediaSource(): Class | undefined {
  return known.MediaSource ?? known.ManagedMediaSource;
}

/** Only the managed kind is there: it opens only if the element is never played remotely. */
export function isManaged(): boolean {
  return !known.MediaSource && !!known.ManagedMediaSource;
}

/** Whether one that is made in a worker can be shown. To be asked there. */
export function canHandOver(): boolean {
  const media = mediaSource();
  return !!media && media.canConstructInDedicatedWorker === true && "handle" in media.prototype;
}

/** What stands for a media source that is in a worker. */
export function handleOf(media: MediaSource): MediaProvider {
  return (media as unknown as { handle: MediaProvider }).handle;
}
