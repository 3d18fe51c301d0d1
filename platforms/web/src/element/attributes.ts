// Content attributes and the properties that reflect them (HTML, 2.6.1).

/** Attributes that are there or not, with their properties. */
export const FLAGS = {
  autoplay: "autoplay",
  controls: "controls",
  defaultMuted: "muted",
  disablePictureInPicture: "disablepictureinpicture",
  disableRemotePlayback: "disableremoteplayback",
  loop: "loop",
  playsInline: "playsinline",
} as const;

/** Attributes that the inner element has too. */
export const INNER = ["poster", "playsinline", "disablepictureinpicture", "disableremoteplayback", "crossorigin", "controlslist"];

/** Properties of the inner element that are the page's as they are; those of the second list can be set. */
const READ = ["videoWidth", "videoHeight", "remote", "sinkId"] as const;
const WRITTEN = ["volume", "muted", "preservesPitch"] as const;
/** Methods of it. */
const CALLED = ["getVideoPlaybackQuality", "requestVideoFrameCallback", "cancelVideoFrameCallback", "requestPictureInPicture", "setSinkId"] as const;

const PRELOADS = ["none", "metadata", "auto"];

/** Puts them on the prototype of the element. */
export function reflect(prototype: HTMLElement & { readonly video: HTMLVideoElement }): void {
  const define = (name: string, get: (this: typeof prototype) => unknown, set?: (this: typeof prototype, value: never) => void) =>
    Object.defineProperty(prototype, name, { get, ...(set && { set }), configurable: true, enumerable: true });
  const url = (value: string | null) => (value ? new URL(value, document.baseURI).href : "");

  for (const [name, attribute] of Object.entries(FLAGS)) {
    define(
      name,
      function () {
        return this.hasAttribute(attribute);
      },
      function (value: unknown) {
        this.toggleAttribute(attribute, Boolean(value));
      },
    );
  }
  for (const name of ["src", "poster"]) {
    define(
      name,
      function () {
        return url(this.getAttribute(name));
      },
      function (value: unknown) {
        this.setAttribute(name, String(value));
      },
    );
  }
  for (const name of ["width", "height"]) {
    define(
      name,
      function () {
        return Number.parseInt(this.getAttribute(name) ?? "", 10) || 0;
      },
      function (value: unknown) {
        this.setAttribute(name, String(Math.trunc(Number(value)) || 0));
      },
    );
  }
  define(
    "preload",
    function () {
      const value = this.getAttribute("preload")?.toLowerCase();
      return value === "" ? "auto" : PRELOADS.includes(value ?? "") ? value : "metadata";
    },
    function (value: unknown) {
      this.setAttribute("preload", String(value));
    },
  );
  define(
    "crossOrigin",
    function () {
      const value = this.getAttribute("crossorigin");
      return value === null ? null : value.toLowerCase() === "use-credentials" ? "use-credentials" : "anonymous";
    },
    function (value: unknown) {
      if (value === null) this.removeAttribute("crossorigin");
      else this.setAttribute("crossorigin", String(value));
    },
  );
  for (const name of READ) {
    define(name, function () {
      return this.video[name as "videoWidth"];
    });
  }
  for (const name of WRITTEN) {
    define(
      name,
      function () {
        return this.video[name];
      },
      function (value: never) {
        this.video[name] = value;
      },
    );
  }
  for (const name of CALLED) {
    Object.defineProperty(prototype, name, {
      value(this: typeof prototype, ...values: never[]) {
        return (this.video[name as "requestPictureInPicture"] as (...values: never[]) => unknown)(...values);
      },
      configurable: true,
      writable: true,
    });
  }
}

/** What `reflect` puts there. */
export interface Reflected {
  /** Address of the playlist or MPD. */
  src: string;
  /** Address of a picture that is shown before the first frame. */
  poster: string;
  autoplay: boolean;
  controls: boolean;
  defaultMuted: boolean;
  disablePictureInPicture: boolean;
  disableRemotePlayback: boolean;
  loop: boolean;
  playsInline: boolean;
  /** `none`, `metadata` or `auto`. */
  preload: string;
  crossOrigin: string | null;
  width: number;
  height: number;
  readonly videoWidth: number;
  readonly videoHeight: number;
  /** 0 to 1. */
  volume: number;
  muted: boolean;
  preservesPitch: boolean;
  readonly remote: RemotePlayback;
  readonly sinkId: string;
  getVideoPlaybackQuality(): VideoPlaybackQuality;
  requestVideoFrameCallback(callback: VideoFrameRequestCallback): number;
  cancelVideoFrameCallback(handle: number): void;
  requestPictureInPicture(): Promise<PictureInPictureWindow>;
  setSinkId(id: string): Promise<void>;
}
