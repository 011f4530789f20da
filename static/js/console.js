// The console's frame: its session, its line to the host page, and what htmx needs to know.
// The access token lives in the closure below and nowhere else: not in the page, not in storage, not in the address.

const VERSION = 1;
const ANSWER_WITHIN = 5000;
const PATH = /^\/(overview|usage(\/units)?|credits|invoices(\/[0-9a-f-]{36})?)(\?[\w=&.,%+-]*)?$/;
const byId = (id) => document.getElementById(id);
const root = byId("console");
const fragment = new URLSearchParams(location.hash.slice(1));
const origins = document.querySelector("meta[name=tactus-origins]").content.split(" ").filter(Boolean);

// --- the host page: one message channel, exact origin and source checked both ways ---

const host = (() => {
  let port = null;
  let connected;
  const connection = new Promise((resolve) => (connected = resolve));
  const waiting = new Map();
  let last = 0;

  function knock() {
    if (window.parent === window) return;
    const named = location.ancestorOrigins?.[0] ?? (document.referrer && new URL(document.referrer).origin);
    for (const origin of origins.includes(named) ? [named] : origins) {
      window.parent.postMessage({ tactus: VERSION, type: "ready" }, origin);
    }
  }

  window.addEventListener("message", (event) => {
    const { data, origin, source, ports } = event;
    if (source !== window.parent || !origins.includes(origin) || port) return;
    if (data?.tactus !== VERSION || data.type !== "connect" || ports.length !== 1) return;
    port = ports[0];
    port.onmessage = ({ data: message }) => heed(message);
    connected({ origin, route: data.route, scheme: data.scheme });
  });

  function heed(message) {
    if (message?.tactus !== VERSION) return;
    if (message.type === "code" && waiting.has(message.id)) {
      waiting.get(message.id)(typeof message.code === "string" ? message.code : "");
      waiting.delete(message.id);
    }
    if (message.type === "scheme") paint(message.scheme);
    if (message.type === "navigate") navigate(message.path);
  }

  const say = (type, more = {}) => port?.postMessage({ tactus: VERSION, type, ...more });

  return {
    knock,
    say,
    connection,
    get isThere() {
      return port !== null;
    },
    freshCode: () =>
      soon(
        new Promise((resolve) => {
          waiting.set(++last, resolve);
          say("need-code", { id: last });
        }),
      ),
  };
})();

// Why a session does not open, in a word that the host page puts into words for its developers.
const LATE = "late";
const NO_CODE = "no-code";
const REFUSED = "refused";
const UNREACHABLE = "unreachable";
const ALONE = "alone";

function soon(promise) {
  return Promise.race([promise, new Promise((_, refuse) => setTimeout(refuse, ANSWER_WITHIN, new Error(LATE)))]);
}

// --- the session ---

const session = (() => {
  let token = null;
  let began = 0;
  let life = 0;
  let renewable = false;
  let byCode = false;
  let parentOrigin = "";
  let running = null;
  let timer;

  async function post(path, body, bearer) {
    const response = await fetch(`/tactus/v1/embed/${path}`, {
      method: "POST",
      credentials: "omit",
      cache: "no-store",
      headers: { "Content-Type": "application/json", ...(bearer && { Authorization: `Bearer ${bearer}` }) },
      body: JSON.stringify(body),
    }).catch(() => null);
    if (!response?.ok) throw new Error([400, 401].includes(response?.status) ? REFUSED : UNREACHABLE);
    return (await response.json()).data;
  }

  function keep(answer) {
    token = answer.access_token;
    began = performance.now();
    life = answer.expires_in * 1000;
    renewable = answer.renewable;
    clearTimeout(timer);
    timer = setTimeout(() => renew().catch(() => {}), life * 0.8);
    return answer;
  }

  async function open() {
    if (fragment.has("token")) {
      return keep(await post("exchange", { token: fragment.get("token"), parent_origin: parentOrigin }));
    }
    let code = fragment.get("code");
    if (code) {
      fragment.delete("code");
      history.replaceState(null, "", location.pathname);
    } else {
      if (window.parent === window) throw new Error(ALONE);
      ({ origin: parentOrigin } = await soon(host.connection));
      code = await host.freshCode();
      if (!code) throw new Error(NO_CODE);
    }
    byCode = true;
    return keep(await post("exchange", { code, parent_origin: parentOrigin }));
  }

  // One renewal at a time; every request that needs one waits for the same.
  function renew() {
    running ??= (renewable ? post("renew", {}, token).then(keep) : open()).finally(() => (running = null));
    return running;
  }

  const age = () => performance.now() - began;

  return {
    open: renew,
    renew,
    get token() {
      return token;
    },
    async fresh() {
      if (token && age() < life * 0.8) return;
      try {
        await renew();
      } catch (error) {
        if (!token || age() >= life) throw error;
      }
    },
    leave() {
      if (!token || !byCode) return;
      fetch("/tactus/v1/embed/end", {
        method: "POST",
        keepalive: true,
        credentials: "omit",
        headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
        body: "{}",
      }).catch(() => {});
      life = 0;
    },
  };
})();

window.addEventListener("pagehide", session.leave);

const REASONS = {
  [LATE]: "The page around it did not answer.",
  [NO_CODE]: "The page around it gave no code.",
  [REFUSED]: "Its code was not accepted.",
  [UNREACHABLE]: "It was not reached.",
  [ALONE]: "It has to be opened from the page that it belongs to.",
};

// What a visitor is told: never opened is no session that ended. Figures of one that ended are not for the next person.
function ended(error) {
  const reason = REASONS[error?.message] ? error.message : "";
  const words = byId(session.token ? "words-ended" : "words-unopened").content.cloneNode(true);
  byId("ended-words").replaceChildren(words);
  byId("ended-reason").textContent = REASONS[reason] ?? "";
  byId("ended").hidden = false;
  root.inert = root.hidden = true;
  root.removeAttribute("aria-busy");
  byId("ended").focus();
  host.say("ended", { reason });
}

byId("resume").addEventListener("click", async () => {
  if (!host.isThere && !fragment.has("token")) return location.reload();
  try {
    await session.open();
    byId("ended").hidden = true;
    root.inert = root.hidden = false;
    navigate(here);
  } catch (error) {
    ended(error);
  }
});

// --- htmx: the token on every request, fresh before it is needed ---

let here = "/overview";
let home = here;
let arrived = false;

document.body.addEventListener("htmx:confirm", (event) => {
  event.preventDefault();
  session.fresh().then(() => event.detail.issueRequest(true), ended);
});

document.body.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers.Authorization = `Bearer ${session.token}`;
});

document.body.addEventListener("htmx:beforeRequest", (event) => {
  event.detail.target.setAttribute("aria-busy", "true");
  byId("notice").hidden = true;
});

document.body.addEventListener("htmx:afterRequest", (event) => event.detail.target.removeAttribute("aria-busy"));

document.body.addEventListener("htmx:responseError", async (event) => {
  const { xhr, elt, target, requestConfig } = event.detail;
  const isReplay = requestConfig.headers["Tactus-Replay"];
  if (xhr.status !== 401) return fail(target, xhr.status);
  if (isReplay) return ended();
  try {
    // Another request may have brought the new token while this one was on its way.
    if (requestConfig.headers.Authorization === `Bearer ${session.token}`) await session.renew();
  } catch (error) {
    return ended(error);
  }
  // What only reads is asked again; what writes is left to the person, who knows whether it was done.
  if (requestConfig.verb !== "get") return fail(target, 409);
  htmx.ajax("GET", requestConfig.path, { source: elt, target, headers: { "Tactus-Replay": "1" } });
});

document.body.addEventListener("htmx:sendError", (event) => fail(event.detail.target, 0));
document.body.addEventListener("htmx:timeout", (event) => fail(event.detail.target, TIMED_OUT));

document.body.addEventListener("htmx:afterSwap", (event) => {
  const { target, xhr, requestConfig } = event.detail;
  const chosen = target.querySelector(".filters .chip:has(:checked)");
  if (chosen) chosen.parentElement.scrollLeft = chosen.offsetLeft - chosen.parentElement.offsetLeft - 8;
  if (target === root) arrive(xhr.getResponseHeader("Console-Path") ?? here);
  else if (document.activeElement === document.body) target.querySelector("[data-lands]")?.focus({ preventScroll: true });
  if (requestConfig?.elt?.matches?.("[data-announces]")) {
    byId("announce").textContent = target.querySelector("[data-announcement]")?.dataset.announcement ?? "";
  }
});

document.body.addEventListener("tactus:download", (event) => {
  const { url } = event.detail;
  if (!url.startsWith("/console/files/")) return;
  const link = document.createElement("a");
  link.href = url;
  link.download = "";
  link.click();
});

document.body.addEventListener("click", (event) => {
  if (event.target.closest("[data-home]")) return navigate(home);
  if (!event.target.closest("[data-retry]")) return;
  const panel = event.target.closest(".panel[hx-get]");
  if (panel) htmx.trigger(panel, "retry");
  else navigate(here);
});

function navigate(path) {
  if (!PATH.test(path)) return host.say("no-page", { path });
  here = path;
  htmx.ajax("GET", `/console${path}`, { target: "#console", swap: "innerHTML" });
}

function arrive(path) {
  here = path;
  const page = root.querySelector("[data-title]");
  document.title = page?.dataset.title ?? "Billing";
  const tab = root.querySelector(".tabs [aria-current]");
  if (tab) tab.parentElement.scrollLeft = tab.offsetLeft - tab.parentElement.offsetLeft - 24;
  host.say("route", { path, title: document.title, first: !arrived });
  if (arrived) {
    window.scrollTo(0, 0);
    const wanted = root.querySelector("[data-lands]");
    if (wanted) wanted.focus();
    else root.querySelector("h1")?.focus({ preventScroll: true });
  }
  arrived = true;
}

const TIMED_OUT = -1;
const WORDS = {
  0: (what) => `There is no connection, so ${what} could not be loaded.`,
  [TIMED_OUT]: (what) => `It took too long to load ${what}. Nothing is lost.`,
  403: () => "This session was not given this part.",
  404: (what) => `Not found: ${what} does not exist, or no longer.`,
  409: () => "The session had to be renewed meanwhile. Please try once more.",
};

function fail(target, status) {
  const panel = target.matches(".panel[hx-get]") ? target : target === root && !arrived ? root : null;
  const what = target.dataset.label ?? "this page";
  const text = (WORDS[status] ?? ((name) => `Sorry, ${name} could not be loaded. Nothing is lost.`))(what);
  if (!panel) {
    byId("notice").textContent = text;
    byId("notice").hidden = false;
    return;
  }
  const failure = byId("failure").content.cloneNode(true);
  failure.querySelector(".failure-text").textContent = text;
  failure.querySelector("[data-home]").hidden = panel !== root;
  failure.querySelector(".failure-reference").textContent = status > 0 ? `Status ${status}, ${new Date().toISOString().slice(0, 16)} UTC` : "";
  panel.replaceChildren(failure);
  panel.removeAttribute("aria-busy");
}

// --- the look: light or dark as the host says, its colours through the CSSOM (which a strict policy allows) ---

function paint(scheme) {
  if (scheme === "light" || scheme === "dark") document.documentElement.dataset.scheme = scheme;
  else delete document.documentElement.dataset.scheme;
}

function dress(theme) {
  for (const [name, value] of Object.entries(theme)) {
    if (/^--[a-z0-9-]+$/.test(name) && /^#[0-9a-f]{3,6}$/i.test(value)) document.documentElement.style.setProperty(name, value);
  }
}

// --- height, and figures that grow while one looks ---

let height = 0;
new ResizeObserver(() => {
  const now = Math.min(20000, Math.ceil(document.documentElement.getBoundingClientRect().height));
  if (Math.abs(now - height) > 1) host.say("height", { height: (height = now) });
}).observe(document.documentElement);

setInterval(() => {
  if (document.hidden || root.inert) return;
  for (const panel of document.querySelectorAll("[data-live]")) {
    const inUse = panel.contains(document.activeElement) || panel.querySelector("details[open], .skeleton, .is-read");
    if (!inUse) htmx.trigger(panel, "refresh");
  }
}, 60000);

// --- begin ---

host.connection.then(({ scheme }) => {
  paint(scheme);
  if (height) host.say("height", { height });
});
paint(fragment.get("scheme"));
host.knock();
session
  .open()
  .then(async ({ start, theme }) => {
    dress(theme);
    home = start;
    const asked = (host.isThere ? (await host.connection).route : fragment.get("route")) || start;
    if (!PATH.test(asked)) host.say("no-page", { path: asked });
    navigate(PATH.test(asked) ? asked : start);
  })
  .catch(ended);
