// What a page may write about the element, checked by the compiler of TypeScript. Nothing here runs.

import { TelecinePlayer } from "../../src/element/define.js";

const player = document.createElement("telecine-player");
player.addEventListener("told", ({ detail }) => {
  if (detail.type === "StallStarted") console.log(detail.cause);
  // @ts-expect-error: not every event has one
  console.log(detail.cause);
});
player.addEventListener("enterpictureinpicture", function ({ pictureInPictureWindow }) {
  console.log(this.presentation?.protocol, pictureInPictureWindow.width);
});
player.addEventListener("anything", (event) => console.log(event.type));
player.onplay = () => {};
player.textTracks.onchange = () => {};
player.textTracks.onaddtrack = (event) => console.log(event.type);
player.videoRenditions.onchange = null;
const [track] = player.textTracks;
if (track) {
  track.mode = "showing";
  track.oncuechange = () => console.log(track.activeCues.map(({ text }) => text));
}
const made: HTMLElement = new TelecinePlayer();
console.log(made);
