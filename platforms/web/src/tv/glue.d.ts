// The glue of wasm-bindgen for a module without newer features (tv.mjs), as a function that makes it around what it is to take for
// `WebAssembly`.

declare module "telecine:tv-glue" {
  const make: (namespace: typeof WebAssembly) => typeof import("../../wasm/telecine.js");
  export default make;
}
