// Asks the browser for a key system (EME, 3.1). Nothing is asked before a title needs it: being opened is the probe.

/** A key system to open. */
export interface Wanted {
  name: string;
  /** The strongest first. */
  videoRobustness: string[];
  audioRobustness: string[];
  schemes: string[];
  initData: string[];
  persistent: boolean;
}

/** A browser takes those that it has, and wants to see one of each kind. */
const VIDEO = ["avc1.42E01E", "hvc1.1.6.L93.B0", "vp09.00.10.08", "av01.0.04M.08"].map((codec) => `video/mp4; codecs="${codec}"`);
const AUDIO = ["mp4a.40.2", "ec-3", "opus", "flac"].map((codec) => `audio/mp4; codecs="${codec}"`);
/** What EME has names for; of others it is not asked. */
const SCHEMES = ["cenc", "cbcs"];

/** One configuration for each pair of levels, the strongest first: the browser grants the first that it can. */
export function configurations(wanted: Wanted): MediaKeySystemConfiguration[] {
  const schemes: (string | null)[] = wanted.schemes.filter((scheme) => SCHEMES.includes(scheme));
  const capabilities = (types: string[], robustness: string) =>
    types.flatMap((contentType) => (schemes.length ? schemes : [null]).map((encryptionScheme) => ({ contentType, encryptionScheme, robustness })));
  const levels = (all: string[]) => (all.length ? all : [""]);
  return levels(wanted.videoRobustness).flatMap((video) =>
    levels(wanted.audioRobustness).map((audio) => ({
      initDataTypes: wanted.initData,
      videoCapabilities: capabilities(VIDEO, video),
      audioCapabilities: capabilities(AUDIO, audio),
      distinctiveIdentifier: "optional",
      persistentState: wanted.persistent ? "required" : "optional",
      sessionTypes: wanted.persistent ? ["temporary", "persistent-license"] : ["temporary"],
    })),
  );
}

/** Whether there are key systems at all: pages that are not secure see none. */
export function hasKeySystems(): boolean {
  return typeof navigator.requestMediaKeySystemAccess === "function";
}

/** Opens it; the levels that were granted are in its configuration. */
export function open(wanted: Wanted): Promise<MediaKeySystemAccess> {
  return navigator.requestMediaKeySystemAccess(wanted.name, configurations(wanted));
}
