// Keeps the editor's own files for visits without a network, and nothing else: no picture ever gets here.
// `sargan export --web` puts the list of files in, [path, digest] each, and what headers.json says.
const FILES = /* files */ [];

const CACHE = `sargan-${digestOf(FILES)}`;
const HOME = new URL("./", self.location.href).href;
const PATHS = new Set(FILES.map(([path]) => new URL(path, HOME).href));

// What a static host cannot send itself: the policy also for the worker's script, and isolation, which lets it use threads.
const HEADERS = /* headers */ {};

self.addEventListener("install", (event) => event.waitUntil(keepAll()));

self.addEventListener("activate", (event) => event.waitUntil(dropOthers().then(() => self.clients.claim())));

self.addEventListener("fetch", (event) => event.respondWith(answer(event.request)));

async function keepAll() {
  const cache = await caches.open(CACHE);
  // The page has just fetched most of them: the browser's own cache has them still.
  await Promise.all(
    FILES.map(async ([path]) => {
      const address = new URL(path, HOME).href;
      const response = await fetch(address, { cache: "default" });
      if (!response.ok) throw new Error(`${address} answers ${response.status}`);
      await cache.put(address, response);
    }),
  );
  await self.skipWaiting();
}

async function dropOthers() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("sargan-") && name !== CACHE).map((name) => caches.delete(name)));
}

async function answer(request) {
  const address = new URL(request.url);
  if (address.origin !== self.location.origin) return Response.error();
  address.search = address.hash = "";
  const wanted = address.href === HOME ? new URL("index.html", HOME).href : address.href;
  const kept = PATHS.has(wanted) ? await (await caches.open(CACHE)).match(wanted) : undefined;
  return withHeaders(kept ?? (await fetch(request)));
}

function withHeaders(response) {
  if (response.status === 0 || response.type === "opaque") return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value);
  // A kept body is unpacked already.
  headers.delete("Content-Encoding");
  headers.delete("Content-Length");
  const { status, statusText } = response;
  return new Response(status === 204 || status === 304 ? null : response.body, { status, statusText, headers });
}

function digestOf(files) {
  let hash = 5381;
  for (const letter of JSON.stringify(files)) hash = (hash * 33 + letter.charCodeAt(0)) >>> 0;
  return hash.toString(16);
}
