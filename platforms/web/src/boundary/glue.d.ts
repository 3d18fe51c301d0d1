// The glue of wasm-bindgen as a function that makes it: its module has one instance, and a page may have several players.
// Made of wasm/telecine.js by build.mjs.

declare module "telecine:glue" {
  const make: () => typeof import("../../wasm/telecine.js");
  export default make;
}
