// Where a server is, and whether a token may be sent there.

/** Where a server is: a port of a host, or a Unix socket. */
export type Address =
  | { readonly kind: "port"; readonly url: URL; readonly host: string }
  | { readonly kind: "socket"; readonly path: string };

const FORMS = "a server is http://HOST:PORT, https://HOST:PORT or unix:PATH";
const MAX_SOCKET_PATH_BYTES = 107;

/**
 * Reads the address of a server: `http://HOST:PORT`, `https://HOST:PORT`, `unix:PATH` or `unix:///PATH`.
 *
 * @throws TypeError for anything else.
 */
export function parseAddress(text: string): Address {
  return text.startsWith("unix:") ? socket(text.slice("unix:".length)) : port(text);
}

function socket(text: string): Address {
  if (text.startsWith("//") && !text.startsWith("///")) {
    throw new TypeError(`${FORMS}; unix:// is followed by an absolute path: ${text}`);
  }
  const path = text.startsWith("//") ? text.slice(2) : text;
  if (path === "" || path.includes("\0")) {
    throw new TypeError(`${FORMS}; the path of the socket is missing`);
  }
  if (new TextEncoder().encode(path).length > MAX_SOCKET_PATH_BYTES) {
    throw new TypeError(`the path of a socket has at most ${MAX_SOCKET_PATH_BYTES} bytes: ${path}`);
  }
  return { kind: "socket", path };
}

function port(text: string): Address {
  const url = parseUrl(text);
  if (url.pathname !== "/") {
    throw new TypeError(`${FORMS}; nothing may follow the port: ${text}`);
  }
  return { kind: "port", url, host: url.hostname };
}

/**
 * Reads the base URL of a server behind http or https; it may have a path.
 *
 * @throws TypeError for anything else.
 */
export function parseUrl(text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new TypeError(`${FORMS}: ${text}`);
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new TypeError(`${FORMS}; the scheme is none of these: ${text}`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new TypeError("an address names no user and no password; give a token");
  }
  if (url.search !== "" || url.hash !== "") {
    throw new TypeError(`an address has neither a query nor a fragment: ${text}`);
  }
  return url;
}

/** Whether what is sent there in the clear would pass a network: http to another host than this one. */
export function isExposed(url: URL): boolean {
  if (url.protocol === "https:") {
    return false;
  }
  // The URL parser has written IPv4 addresses in four decimal parts already, and IPv6 addresses in brackets.
  const host = url.hostname.toLowerCase();
  const isMapped = /^\[::ffff:7f[0-9a-f]{2}:[0-9a-f]{1,4}\]$/.test(host);
  return !(host === "localhost" || /^127(\.\d{1,3}){3}$/.test(host) || host === "[::1]" || isMapped);
}
