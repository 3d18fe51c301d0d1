// Controls for who watches: by pointer, by keyboard, and by ear. Loaded where an element has the attribute `controls`.

import { forViewers, type PlayerError } from "../element/errors.js";
import type { TelecinePlayer } from "../element/telecine-player.js";
import { labelOf } from "../element/tracks.js";
import { button, label } from "./icons.js";
import { press, toggle } from "./keys.js";
import { Menu, type Entry } from "./menu.js";
import { SeekBar } from "./seekbar.js";
import { STYLE } from "./style.js";
import { styleDialog } from "./style-dialog.js";
import { clock } from "./time.js";
import { WORDS, type Words } from "./words.js";

/** How long they stay while nothing is touched, milliseconds. */
const STAY = 3000;
/** How long something is waited for before that is shown, milliseconds. */
const PATIENCE = 500;
const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 2];

/** The controls of an element. */
export class Controls {
  readonly element = document.createElement("div");
  #words: Words;
  #play: HTMLButtonElement;
  #mute: HTMLButtonElement;
  #volume = document.createElement("input");
  #seek: SeekBar;
  #time = document.createElement("span");
  #live = document.createElement("button");
  #captions: HTMLButtonElement;
  #pip: HTMLButtonElement;
  #remote: HTMLButtonElement;
  #full: HTMLButtonElement;
  #bottom = document.createElement("div");
  #spinner = document.createElement("div");
  #message = document.createElement("div");
  #dialog: HTMLDialogElement | undefined;
  #menus: Menu[];
  #listening = new AbortController();
  #idle: ReturnType<typeof setTimeout> | undefined;
  #waits: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly player: TelecinePlayer,
    words: Partial<Words> = {},
  ) {
    this.#words = { ...WORDS, ...words };
    const say = this.#words;
    const { element } = this;
    element.className = "controls";
    element.part.add("controls");
    element.setAttribute("role", "group");
    element.setAttribute("aria-label", say.player);

    this.#play = button("play", say.play, () => toggle(player));
    this.#mute = button("sound", say.mute, () => (player.muted = !player.muted));
    Object.assign(this.#volume, { type: "range", min: "0", max: "1", step: "0.05", className: "volume" });
    this.#volume.setAttribute("aria-label", say.volume);
    this.#volume.addEventListener("input", () => {
      player.volume = Number(this.#volume.value);
      player.muted = false;
    });
    this.#seek = new SeekBar(player, say);
    this.#time.className = "time";
    this.#live.type = "button";
    this.#live.className = "live";
    this.#live.textContent = say.live;
    this.#live.addEventListener("click", () => player.seekToLive());
    this.#captions = button("captions", say.captions, () => this.#toggleCaptions());
    this.#pip = button("pip", say.pip, () => this.#togglePip());
    this.#remote = button("remote", say.remote, () => player.remote.prompt().catch(() => {}));
    this.#full = button("full", say.full, () => this.#toggleFull());

    const menu = (icon: ConstructorParameters<typeof Menu>[0], word: string, entries: () => Entry[]) =>
      new Menu(icon, word, entries, (opened) => this.#menus.forEach((other) => other !== opened && other.close(false)));
    this.#menus = [];
    const chapters = menu("chapters", say.chapters, () => this.#chapters());
    const text = menu("quality", `${say.captions}: ${say.style}`, () => this.#texts());
    const audio = menu("audio", say.audio, () => this.#audios());
    const speed = menu("speed", say.speed, () => this.#speeds());
    const quality = menu("quality", say.quality, () => this.#qualities());
    this.#menus.push(chapters, text, audio, speed, quality);

    const row = document.createElement("div");
    row.className = "row";
    const space = document.createElement("span");
    space.className = "space";
    row.append(this.#play, this.#mute, this.#volume, this.#time, this.#live, space, chapters.button, this.#captions, text.button);
    row.append(audio.button, speed.button, quality.button, this.#pip, this.#remote, this.#full);
    this.#bottom.className = "bottom";
    this.#bottom.append(this.#seek.element, row);
    const scrim = document.createElement("div");
    scrim.className = "scrim";
    this.#spinner.className = "spinner";
    this.#spinner.setAttribute("role", "status");
    this.#spinner.setAttribute("aria-label", say.loading);
    this.#spinner.hidden = true;
    this.#message.className = "message";
    this.#message.setAttribute("role", "alert");
    this.#message.hidden = true;
    player.dress(STYLE);
    element.append(scrim, this.#spinner, this.#message, this.#bottom, ...this.#menus.map((menu) => menu.element));

    this.#listen();
    this.#update();
    this.#availability();
    this.#error(player.error);
    this.#wake();
  }

  /** Lets go of the element. */
  close(): void {
    this.#listening.abort();
    clearTimeout(this.#idle);
    clearTimeout(this.#waits);
    this.player.captionsBelow = 0;
    this.element.remove();
  }

  #listen(): void {
    const { player, element } = this;
    const { signal } = this.#listening;
    const on = (target: EventTarget, names: string, act: (event: never) => void) => {
      for (const name of names.split(" ")) target.addEventListener(name, act as (event: Event) => void, { signal });
    };
    on(player, "play pause playing seeking seeked ended timeupdate progress durationchange emptied volumechange loadedmetadata", () => this.#update());
    on(player, "play pause ended", () => this.#wake());
    on(player, "trackschange ratechange", () => this.#menus.forEach((menu) => menu.update()));
    on(player, "trackschange loadedmetadata emptied", () => this.#update());
    on(player, "enterpictureinpicture leavepictureinpicture loadedmetadata", () => this.#availability());
    on(player, "error", () => this.#error(player.error));
    on(player, "loadstart emptied", () => this.#error(null));
    on(player, "waiting seeking loadstart playing seeked canplay pause error ended emptied suspend", () => this.#wait());
    on(document, "fullscreenchange", () => this.#availability());
    // Wherever within the element the focus is; the host's own focus too.
    on(player, "keydown", (event: KeyboardEvent) => this.#key(event));
    on(player, "pointermove pointerdown focusin keydown", () => this.#wake());
    on(player, "pointerleave", () => this.#sleep());
    on(element, "click", (event: MouseEvent) => {
      if (event.target !== element) return;
      if (this.#menus.some((menu) => menu.isOpen)) this.#menus.forEach((menu) => menu.close(false));
      else toggle(player);
    });
    on(element, "dblclick", (event: MouseEvent) => event.target === element && this.#toggleFull());
  }

  #key(event: KeyboardEvent): void {
    if (event.defaultPrevented) return;
    const target = event.composedPath()[0];
    const onButton = target instanceof HTMLButtonElement && (event.key === " " || event.key === "Enter");
    const onVolume = target === this.#volume && /^Arrow/.test(event.key);
    if (onButton || onVolume) return;
    if (press(this.player, event, { captions: () => this.#toggleCaptions(), full: () => this.#toggleFull() })) event.preventDefault();
  }

  // What is shown.

  #update(): void {
    const { player } = this;
    const say = this.#words;
    const [icon, word] = player.ended ? (["replay", say.replay] as const) : player.paused ? (["play", say.play] as const) : (["pause", say.pause] as const);
    label(this.#play, icon, word);
    const silent = player.muted || player.volume === 0;
    label(this.#mute, silent ? "silent" : "sound", silent ? say.unmute : say.mute);
    this.#volume.value = String(player.muted ? 0 : player.volume);
    this.#volume.setAttribute("aria-valuetext", `${Math.round(Number(this.#volume.value) * 100)} %`);
    this.#seek.update();
    const { seekable, live } = player;
    const edge = seekable.length ? seekable.end(seekable.length - 1) : 0;
    const atEdge = live && player.atLiveEdge;
    this.#time.textContent = live ? (atEdge ? "" : clock(Math.min(0, player.currentTime - edge))) : `${clock(player.currentTime)} / ${clock(player.duration)}`;
    this.#live.hidden = !live;
    this.#live.setAttribute("aria-pressed", String(atEdge));
    this.#live.title = atEdge ? say.live : say.goLive;
    const texts = player.textTracks;
    this.#captions.hidden = texts.length === 0;
    this.#captions.setAttribute("aria-pressed", String([...texts].some(({ mode }) => mode === "showing")));
    this.player.captionsBelow = this.element.classList.contains("idle") ? 0 : this.#bottom.offsetHeight;
  }

  #availability(): void {
    const { player } = this;
    const say = this.#words;
    this.#pip.hidden = !document.pictureInPictureEnabled || player.disablePictureInPicture;
    this.#pip.setAttribute("aria-pressed", String(player.shadowRoot?.pictureInPictureElement === player.video));
    const full = document.fullscreenElement === player;
    label(this.#full, full ? "leaveFull" : "full", full ? say.leaveFull : say.full);
    this.#full.hidden = !document.fullscreenEnabled;
    this.#remote.hidden = true;
    if (player.disableRemotePlayback || !player.remote) return;
    // Browsers that know of no screen, or cannot look for one, refuse; then there is none.
    player.remote.watchAvailability((available) => (this.#remote.hidden = !available)).catch(() => (this.#remote.hidden = true));
  }

  #error(error: PlayerError | null): void {
    this.#message.hidden = !error;
    if (!error) return this.#message.replaceChildren();
    const { telecine } = error;
    const sentence = document.createElement("p");
    sentence.textContent = forViewers(error);
    this.#message.replaceChildren(sentence);
    if (telecine) {
      const number = document.createElement("small");
      number.textContent = `${telecine.code} ${telecine.name}`;
      this.#message.append(number);
    }
    const again = document.createElement("button");
    again.type = "button";
    again.textContent = this.#words.retry;
    again.addEventListener("click", () => {
      this.player.load();
      this.player.play().catch(() => {});
    });
    this.#message.append(again);
  }

  #wait(): void {
    const { player } = this;
    clearTimeout(this.#waits);
    const waits = !player.error && player.networkState === player.NETWORK_LOADING && (player.seeking || (player.readyState < player.HAVE_FUTURE_DATA && !player.paused));
    if (!waits) this.#spinner.hidden = true;
    else this.#waits = setTimeout(() => (this.#spinner.hidden = false), PATIENCE);
  }

  /** Something was touched. */
  #wake(): void {
    clearTimeout(this.#idle);
    this.element.classList.remove("idle");
    this.#update();
    if (!this.player.paused) this.#idle = setTimeout(() => this.#sleep(), STAY);
  }

  #sleep(): void {
    const focused = this.element.querySelector(":focus-visible");
    if (this.player.paused || focused || this.#menus.some((menu) => menu.isOpen) || this.#dialog?.open) return;
    this.element.classList.add("idle");
    this.#update();
  }

  // What is done.

  #toggleCaptions(): void {
    const tracks = [...this.player.textTracks];
    const shown = tracks.find(({ mode }) => mode === "showing");
    if (shown) shown.mode = "disabled";
    else if (tracks[0]) (tracks.find(({ language }) => navigator.language.startsWith(language)) ?? tracks[0]).mode = "showing";
  }

  #togglePip(): void {
    const { player } = this;
    // What the browser refuses stays as it is.
    if (player.shadowRoot?.pictureInPictureElement) document.exitPictureInPicture().catch(() => {});
    else player.requestPictureInPicture().catch(() => {});
  }

  #toggleFull(): void {
    if (document.fullscreenElement === this.player) document.exitFullscreen().catch(() => {});
    else if (document.fullscreenEnabled) this.player.requestFullscreen().catch(() => {});
  }

  // Menus.

  #qualities(): Entry[] {
    const list = this.player.videoRenditions;
    const fixed = list.selectedIndex;
    const several = [...list].map((rendition, index): Entry & { order: number } => {
      const { height, bitrate, frameRate, range } = rendition;
      const words = [height ? `${height}p` : `${Math.round(bitrate / 1000)} kbit/s`, frameRate && frameRate > 31 ? String(Math.round(frameRate)) : "", range && range !== "SDR" ? range : ""];
      const twice = [...list].filter((other) => other.height === height).length > 1;
      const label = [...words.filter(Boolean), ...(twice && height ? [`${(bitrate / 1e6).toFixed(1)} Mbit/s`] : [])].join(" ");
      return { label, checked: index === fixed, act: () => (list.selectedIndex = index), order: (height ?? 0) * 1e9 + bitrate };
    });
    if (several.length < 2) return [];
    several.sort((a, b) => b.order - a.order);
    return [{ label: this.#words.auto, checked: fixed < 0, act: () => (list.selectedIndex = -1) }, ...several];
  }

  #audios(): Entry[] {
    return [...this.player.audioTracks].map((track) => ({ label: labelOf(track), checked: track.enabled, act: () => (track.enabled = true) }));
  }

  #texts(): Entry[] {
    const tracks = [...this.player.textTracks];
    if (!tracks.length) return [];
    const off: Entry = {
      label: this.#words.off,
      checked: tracks.every(({ mode }) => mode !== "showing"),
      act: () => tracks.filter(({ mode }) => mode === "showing").forEach((track) => (track.mode = "disabled")),
    };
    const each = tracks.map((track): Entry => ({ label: labelOf(track), checked: track.mode === "showing", act: () => (track.mode = "showing") }));
    return [off, ...each, { label: this.#words.style, act: () => this.#style() }];
  }

  #speeds(): Entry[] {
    const { player } = this;
    return SPEEDS.map((speed) => ({ label: speed === 1 ? this.#words.normal : `${speed}×`, checked: player.playbackRate === speed, act: () => (player.playbackRate = speed) }));
  }

  #chapters(): Entry[] {
    const { player } = this;
    const now = player.currentTime;
    return player.chapters.map(({ title, start, end }) => ({ label: `${clock(start)} ${title}`, checked: now >= start && now < end, act: () => (player.currentTime = start) }));
  }

  #style(): void {
    if (!this.#dialog) {
      this.#dialog = styleDialog(this.player, this.#words);
      this.element.append(this.#dialog);
    }
    this.#dialog.show();
    this.#dialog.querySelector("select")?.focus();
  }
}
