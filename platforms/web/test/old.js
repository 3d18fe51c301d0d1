// Takes from a browser what Chromium 38 (2014) did not have, and what a player could ask for: written in front of the scripts of the
// player, in the page and in the worker. BigInt stays: tests ask for it, and the build sees to it that the player does not.
(function () {
  function drop(from, names) {
    if (!from) return;
    names.split(" ").forEach(function (name) {
      delete from[name];
      if (name in from && Object.prototype.hasOwnProperty.call(from, name)) throw new Error("it cannot be without " + name);
    });
  }
  var scope = self;
  var inPage = typeof document === "object";

  // The language.
  drop(Array, "from of fromAsync");
  drop(
    Array.prototype,
    "at copyWithin fill find findIndex findLast findLastIndex flat flatMap includes toReversed toSorted toSpliced values with",
  );
  drop(Object, "assign entries fromEntries getOwnPropertyDescriptors groupBy hasOwn values");
  drop(
    String.prototype,
    "at codePointAt endsWith includes isWellFormed matchAll padEnd padStart repeat replaceAll startsWith toWellFormed trimEnd trimStart trimLeft trimRight",
  );
  drop(String, "fromCodePoint raw");
  drop(Promise, "allSettled any try withResolvers");
  drop(Promise.prototype, "finally");
  drop(Map, "groupBy");
  drop(Set.prototype, "difference intersection isDisjointFrom isSubsetOf isSupersetOf symmetricDifference union");
  var Typed = Object.getPrototypeOf(Uint8Array);
  drop(Typed, "from of");
  drop(
    Typed.prototype,
    "at copyWithin entries every fill filter find findIndex findLast findLastIndex forEach includes indexOf join keys lastIndexOf map reduce reduceRight reverse slice some sort toReversed toSorted values with",
  );
  delete Typed.prototype[Symbol.iterator];
  drop(ArrayBuffer.prototype, "detached maxByteLength resizable resize transfer transferToFixedLength");
  drop(RegExp.prototype, "dotAll hasIndices unicode unicodeSets");
  drop(
    scope,
    "WebAssembly AggregateError Atomics FinalizationRegistry Float16Array Iterator Proxy Reflect SharedArrayBuffer WeakRef globalThis",
  );
  if (!inPage) drop(scope, "MediaSource");

  // What is around it.
  drop(
    scope,
    "AbortController AbortSignal Headers ReadableStream ReadableStreamBYOBReader ReadableStreamDefaultReader Request Response TextDecoder TextEncoder " +
      "TransformStream URLSearchParams WritableStream crypto fetch queueMicrotask reportError structuredClone",
  );
  if (inPage) {
    delete EventTarget.prototype.when;
    drop(MediaSource, "canConstructInDedicatedWorker");
    drop(MediaSource.prototype, "handle setLiveSeekableRange clearLiveSeekableRange");
    drop(SourceBuffer.prototype, "changeType");
    drop(HTMLMediaElement.prototype, "srcObject");
    drop(HTMLVideoElement.prototype, "getVideoPlaybackQuality");
    drop(Navigator.prototype, "connection mediaCapabilities");
    var play = HTMLMediaElement.prototype.play;
    HTMLMediaElement.prototype.play = function () {
      play.call(this).then(null, function () {});
    };
  }
  drop(Performance.prototype, "mark");
  // Nobody makes these, and a third argument of a listener is the phase.
  ["EventTarget", "DOMException"].forEach(function (name) {
    var prototype = scope[name].prototype;
    scope[name] = function () {
      throw new TypeError("Illegal constructor");
    };
    scope[name].prototype = prototype;
  });
  var add = EventTarget.prototype.addEventListener;
  EventTarget.prototype.addEventListener = function (name, listener, options) {
    return add.call(this, name, listener, !!options);
  };
})();
