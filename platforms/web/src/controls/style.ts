export const STYLE = `
.controls { position: absolute; inset: 0; font: 14px/1.4 system-ui, sans-serif; color: #fff; --accent: var(--telecine-accent, #e33); }
.controls .scrim { position: absolute; inset: auto 0 0 0; height: 6em; background: linear-gradient(transparent, rgba(0, 0, 0, 0.75)); pointer-events: none; }
.controls .bottom { position: absolute; inset: auto 0 0 0; padding: 0 8px 4px; }
.controls.idle { cursor: none; }
.controls.idle .bottom, .controls.idle .scrim { opacity: 0; transition: opacity 0.3s; }
.controls .row { display: flex; align-items: center; gap: 2px; }
.controls .space { flex: 1; }
.controls button { font: inherit; color: inherit; background: none; border: 0; border-radius: 4px; padding: 6px; margin: 0; min-width: 36px; min-height: 36px; cursor: pointer; }
.controls button:hover { background: rgba(255, 255, 255, 0.2); }
.controls :focus { outline: none; }
.controls :focus-visible { outline: 3px solid #fff; outline-offset: -2px; box-shadow: 0 0 0 3px #000; }
.controls button svg { display: block; width: 24px; height: 24px; fill: currentColor; }
.controls button[aria-pressed="true"], .controls .edge { color: #fff; }
.controls button[aria-pressed="true"] svg { fill: var(--accent); }
.controls .time { padding: 0 6px; font-variant-numeric: tabular-nums; white-space: nowrap; }
.controls .live::before { content: "●"; margin-right: 0.4em; color: #999; }
.controls .live[aria-pressed="true"]::before { color: var(--accent); }
.controls input[type="range"] { -webkit-appearance: none; appearance: none; background: none; margin: 0; height: 20px; cursor: pointer; }
.controls input[type="range"]::-webkit-slider-runnable-track { height: 5px; border-radius: 3px; background: var(--track, rgba(255, 255, 255, 0.3)); }
.controls input[type="range"]::-moz-range-track { height: 5px; border-radius: 3px; background: var(--track, rgba(255, 255, 255, 0.3)); }
.controls input[type="range"]::-webkit-slider-thumb { -webkit-appearance: none; width: 14px; height: 14px; margin-top: -4.5px; border-radius: 50%; background: #fff; }
.controls input[type="range"]::-moz-range-thumb { width: 14px; height: 14px; border: 0; border-radius: 50%; background: #fff; }
.controls .seek { position: relative; }
.controls .seek input { display: block; width: 100%; }
.controls .volume { width: 70px; }
.controls .preview { position: absolute; bottom: 22px; transform: translateX(-50%); text-align: center; pointer-events: none; background: rgba(0, 0, 0, 0.8); border-radius: 4px; padding: 2px; }
.controls .preview .thumb { display: block; width: 160px; background-repeat: no-repeat; }
.controls .menu { position: absolute; right: 8px; bottom: 48px; max-height: calc(100% - 60px); overflow: auto; background: rgba(20, 20, 20, 0.95); border-radius: 6px; padding: 4px; min-width: 9em; }
.controls .menu [role^="menuitem"] { display: block; width: 100%; text-align: left; min-height: 32px; padding: 4px 12px 4px 28px; position: relative; white-space: nowrap; }
.controls .menu [aria-checked="true"]::before { content: "✓"; position: absolute; left: 10px; }
.controls .message { position: absolute; inset: 0; display: flex; flex-direction: column; align-items: center; justify-content: center; gap: 0.6em; padding: 1em; text-align: center; background: rgba(0, 0, 0, 0.8); }
.controls .message p { margin: 0; max-width: 40em; font-size: 1.15em; }
.controls .message small { opacity: 0.7; }
.controls .message button { border: 1px solid; padding: 6px 14px; }
.controls .spinner { position: absolute; left: 50%; top: 50%; width: 48px; height: 48px; margin: -24px; border: 4px solid rgba(255, 255, 255, 0.3); border-top-color: #fff; border-radius: 50%; box-sizing: border-box; animation: turn 1s linear infinite; pointer-events: none; }
@media (prefers-reduced-motion: reduce) { .controls .spinner { animation-duration: 4s; } }
@keyframes turn { to { transform: rotate(1turn); } }
.controls dialog { color: #fff; background: rgba(20, 20, 20, 0.97); border: 1px solid #555; border-radius: 8px; max-height: 90%; overflow: auto; box-sizing: border-box; position: absolute; inset: 0; margin: auto; }
.controls dialog label { display: flex; justify-content: space-between; gap: 1em; margin: 6px 0; align-items: center; }
.controls dialog select, .controls dialog input { font: inherit; }
.controls [hidden] { display: none !important; }
`;
