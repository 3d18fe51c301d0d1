// Starting a worker.

/** What a page that takes no plain text for the address of a script (Trusted Types) has a policy's word for. */
interface Policy {
  createScriptURL(url: string): string;
}
type Policies = { createPolicy(name: string, rules: Policy): Policy } | undefined;

let policy: Policy | undefined;

/** An address that such a page takes, if it allows a policy of our name; there may be but one of a name. */
function trusted(url: string): string {
  try {
    policy ??= (globalThis as { trustedTypes?: Policies }).trustedTypes?.createPolicy("telecine", { createScriptURL: (url) => url });
  } catch {
    // It is not allowed; where nothing is required plain text will do.
  }
  return policy?.createScriptURL(url) ?? url;
}

/** A worker, if the browser has any and lets the page have one; of another origin by way of one of this origin. */
export function started(url: URL): Worker | undefined {
  try {
    const text = `import ${JSON.stringify(url.href)};`;
    const own = url.origin === location.origin ? url.href : URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
    return new Worker(trusted(own), { type: "module" });
  } catch {
    return undefined;
  }
}
