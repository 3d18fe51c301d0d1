// What a page sees of key systems, and key systems of other names over the browser's own ClearKey: with its real sessions, its
// real decryption, and real elements. Runs in the page.

/** Watches everything that is asked of key systems from now on. */
export function watchKeySystems() {
  const seen = { accesses: [], sessions: [], encrypted: 0, certificates: [], generated: [], messages: 0 };
  const { requestMediaKeySystemAccess } = navigator;
  navigator.requestMediaKeySystemAccess = (name, configurations) => {
    seen.accesses.push({ name, configurations: structuredClone(configurations) });
    return requestMediaKeySystemAccess.call(navigator, name, configurations);
  };
  const { createSession } = MediaKeys.prototype;
  MediaKeys.prototype.createSession = function (type) {
    const session = createSession.call(this, type);
    const held = { session, type, closed: null };
    seen.sessions.push(held);
    session.closed.then((reason) => (held.closed = reason));
    session.addEventListener("message", () => (seen.messages += 1));
    return session;
  };
  const { generateRequest } = MediaKeySession.prototype;
  MediaKeySession.prototype.generateRequest = function (form, bytes) {
    seen.generated.push({ form, bytes: Array.from(new Uint8Array(bytes)) });
    return generateRequest.call(this, form, bytes);
  };
  document.addEventListener("encrypted", () => (seen.encrypted += 1), { capture: true });
  return seen;
}

/**
 * Lets the browser have key systems by these names. Levels that are not among `levels` are refused. Whatever initialisation
 * data a session is given, it asks for the keys of `kids`: this is a double of the key system's own part, and of nothing else.
 */
export function pretendKeySystems(seen, names, { levels = [""], kids }) {
  const { requestMediaKeySystemAccess } = navigator;
  const refuse = () => Promise.reject(new DOMException("not here", "NotSupportedError"));
  navigator.requestMediaKeySystemAccess = async (name, configurations) => {
    if (!names.includes(name)) return requestMediaKeySystemAccess.call(navigator, name, configurations);
    seen.accesses.push({ name, configurations: structuredClone(configurations) });
    const granted = configurations.find(({ videoCapabilities, audioCapabilities }) =>
      [...videoCapabilities, ...audioCapabilities].every(({ robustness }) => levels.includes(robustness)),
    );
    if (!granted) return refuse();
    const clear = (all) => all.map((capability) => ({ ...capability, robustness: "" }));
    const { videoCapabilities, audioCapabilities } = granted;
    const own = { ...granted, initDataTypes: ["keyids"], videoCapabilities: clear(videoCapabilities), audioCapabilities: clear(audioCapabilities) };
    const access = await requestMediaKeySystemAccess.call(navigator, "org.w3.clearkey", [own]);
    return {
      keySystem: name,
      getConfiguration: () => granted,
      async createMediaKeys() {
        const keys = await access.createMediaKeys();
        keys.setServerCertificate = async (certificate) => {
          seen.certificates.push(Array.from(new Uint8Array(certificate)));
          return true;
        };
        const { createSession } = keys;
        keys.createSession = (type) => {
          const session = createSession.call(keys, type);
          session.generateRequest = (form, bytes) => {
            seen.generated.push({ form, bytes: Array.from(new Uint8Array(bytes)) });
            const base64 = kids.map((kid) => btoa(String.fromCharCode(...kid.match(/../g).map((byte) => parseInt(byte, 16)))));
            const asked = base64.map((text) => text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", ""));
            return MediaKeySession.prototype.generateRequest.call(session, "keyids", new TextEncoder().encode(JSON.stringify({ kids: asked })));
          };
          return session;
        };
        return keys;
      },
    };
  };
}
