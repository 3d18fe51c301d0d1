// `telecine.classic.js`, for pages without modules: defines the element, and leaves the classes in the global `telecine`.

export * from "./define.js";
