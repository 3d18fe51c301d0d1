import { createRoot } from "react-dom/client";
import { App } from "./app";

createRoot(document.querySelector("#root")!).render(<App src={new URLSearchParams(location.search).get("src") ?? "/hls/demo/main.m3u8"} />);
