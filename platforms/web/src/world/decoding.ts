// What Media Source takes, and what the device says that it does well. `isTypeSupported` is asked where the buffers are: a worker
// and its page may answer differently.

/** Codecs by the beginning of their names, and what to ask for: a common profile of each, as the strings of titles are. */
const CODECS: [prefix: string, mime: string][] = [
  ["avc1", 'video/mp4; codecs="avc1.640028"'],
  ["avc3", 'video/mp4; codecs="avc3.640028"'],
  ["hvc1", 'video/mp4; codecs="hvc1.1.6.L120.90"'],
  ["hev1", 'video/mp4; codecs="hev1.1.6.L120.90"'],
  ["dvh1", 'video/mp4; codecs="dvh1.05.06"'],
  ["dvhe", 'video/mp4; codecs="dvhe.05.06"'],
  ["dva1", 'video/mp4; codecs="dva1.09.05"'],
  ["dvav", 'video/mp4; codecs="dvav.09.05"'],
  ["dav1", 'video/mp4; codecs="dav1.10.06"'],
  ["vp08", 'video/mp4; codecs="vp08.00.41.08"'],
  ["vp8", 'video/mp4; codecs="vp8"'],
  ["vp09", 'video/mp4; codecs="vp09.00.40.08"'],
  ["vp9", 'video/mp4; codecs="vp9"'],
  ["av01", 'video/mp4; codecs="av01.0.08M.08"'],
  ["vvc1", 'video/mp4; codecs="vvc1.1.L51.CQA.O1+3"'],
  ["vvi1", 'video/mp4; codecs="vvi1.1.L51.CQA.O1+3"'],
  ["mp4a.40.2", 'audio/mp4; codecs="mp4a.40.2"'],
  ["mp4a.40.5", 'audio/mp4; codecs="mp4a.40.5"'],
  ["mp4a.40.29", 'audio/mp4; codecs="mp4a.40.29"'],
  ["mp4a.40.42", 'audio/mp4; codecs="mp4a.40.42"'],
  ["mp4a.67", 'audio/mp4; codecs="mp4a.67"'],
  ["mp4a.40.34", 'audio/mp4; codecs="mp4a.69"'],
  ["mp4a.69", 'audio/mp4; codecs="mp4a.69"'],
  ["mp4a.6B", 'audio/mp4; codecs="mp4a.6B"'],
  ["mp4a.6b", 'audio/mp4; codecs="mp4a.6B"'],
  ["mp3", 'audio/mp4; codecs="mp3"'],
  ["ac-3", 'audio/mp4; codecs="ac-3"'],
  ["ec-3", 'audio/mp4; codecs="ec-3"'],
  ["ac-4", 'audio/mp4; codecs="ac-4.02.01.00"'],
  ["dtsc", 'audio/mp4; codecs="dtsc"'],
  ["dtse", 'audio/mp4; codecs="dtse"'],
  ["dtsx", 'audio/mp4; codecs="dtsx"'],
  ["mhm1", 'audio/mp4; codecs="mhm1.0x0D"'],
  ["Opus", 'audio/mp4; codecs="opus"'],
  ["opus", 'audio/mp4; codecs="opus"'],
  ["fLaC", 'audio/mp4; codecs="flac"'],
  ["flac", 'audio/mp4; codecs="flac"'],
  ["alac", 'audio/mp4; codecs="alac"'],
  ["iamf", 'audio/mp4; codecs="iamf.000.000.Opus"'],
];

/** Codecs that Media Source takes in this thread, by the beginnings of their names; undefined where there is none to ask. */
export function codecs(): string[] | undefined {
  const scope = globalThis as { MediaSource?: typeof MediaSource; ManagedMediaSource?: typeof MediaSource };
  const source = scope.MediaSource ?? scope.ManagedMediaSource;
  return source && CODECS.filter(([, mime]) => source.isTypeSupported(mime)).map(([prefix]) => prefix);
}

/** What the device says of itself. None of it excludes anything: what is dropped when it plays says more. */
export interface Display {
  /** Codecs that it decodes smoothly and with little power. */
  efficient: string[];
  /** Ranges of brightness beside `SDR`, best first. */
  hdr: string[];
  /** Pixels of the screen. */
  width: number;
  height: number;
}

const PICTURE = { width: 1920, height: 1080, bitrate: 6_000_000, framerate: 30 };
/** What is asked of ranges of brightness: by their names in HLS and those of the browser. */
const RANGES: [range: string, transferFunction: TransferFunction][] = [
  ["PQ", "pq"],
  ["HLG", "hlg"],
];
const WIDE = ['video/mp4; codecs="hvc1.2.4.L120.90"', 'video/mp4; codecs="av01.0.09M.10"', 'video/mp4; codecs="vp09.02.41.10"'];

async function decodes(video: VideoConfiguration): Promise<MediaCapabilitiesDecodingInfo | undefined> {
  try {
    return await navigator.mediaCapabilities.decodingInfo({ type: "media-source", video });
  } catch {
    // An older browser does not know a field, or a type.
    return undefined;
  }
}

const screenOf = () => ({ width: Math.round(screen.width * devicePixelRatio), height: Math.round(screen.height * devicePixelRatio) });

/** Asks the device, in the page. */
export async function display(): Promise<Display> {
  const pictures = CODECS.filter(([, mime]) => mime.startsWith("video/"));
  const bright = matchMedia("(dynamic-range: high), (video-dynamic-range: high)").matches;
  const [told, ranges] = await Promise.all([
    Promise.all(pictures.map(([, contentType]) => decodes({ ...PICTURE, contentType }))),
    Promise.all(
      RANGES.filter(() => bright).map(async ([range, transferFunction]) => {
        const asked = WIDE.map((contentType) => decodes({ ...PICTURE, contentType, transferFunction, colorGamut: "rec2020" }));
        return (await Promise.all(asked)).some((info) => info?.supported) ? [range] : [];
      }),
    ),
  ]);
  const isEfficient = (info?: MediaCapabilitiesDecodingInfo) => info?.supported && info.smooth && info.powerEfficient;
  const efficient = pictures.filter((_, i) => isEfficient(told[i])).map(([prefix]) => prefix);
  return { efficient, hdr: ranges.flat(), ...screenOf() };
}
