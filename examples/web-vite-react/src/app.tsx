import { useEffect, useRef, useState, type ClassAttributes, type HTMLAttributes } from "react";
import type { TelecinePlayer } from "telecine/element";
import "telecine/element";

type OfAnyElement = ClassAttributes<TelecinePlayer> & HTMLAttributes<TelecinePlayer>;

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "telecine-player": OfAnyElement & { src?: string; controls?: boolean; muted?: boolean; autoplay?: boolean };
    }
  }
}

/** A title, and what it does. */
export function App({ src }: { src: string }) {
  const player = useRef<TelecinePlayer>(null);
  const [time, setTime] = useState(0);
  const [error, setError] = useState<string>();

  useEffect(() => {
    const { current } = player;
    if (!current) return;
    const moved = () => setTime(current.currentTime);
    const failed = () => setError(current.error?.telecine?.meaning ?? current.error?.message);
    current.addEventListener("timeupdate", moved);
    current.addEventListener("error", failed);
    return () => {
      current.removeEventListener("timeupdate", moved);
      current.removeEventListener("error", failed);
    };
  }, []);

  return (
    <main>
      <telecine-player ref={player} src={src} controls muted></telecine-player>
      <button onClick={() => player.current?.play()}>Play</button>
      <output>{error ?? `${time.toFixed(1)} s`}</output>
    </main>
  );
}
