// Shows a customer's billing console inside your page. How: docs/guides/embedding.md.
//
//   <script src="https://billing.example.com/static/js/tactus-embed.js" defer></script>
//   <tactus-console code-url="/billing/code" theme="auto"></tactus-console>
(() => {
  const VERSION = 1;
  const THEMES = ["auto", "light", "dark", "system"];
  const COMES_UP_WITHIN = 15000;
  const GREETS_WITHIN = 1000;
  // For developers; visitors read the notice.
  const complain = (what) => console.error(`tactus-console: ${what} (docs/guides/embedding.md)`);
  const address = document.currentScript?.src;
  if (!address) return complain("load this script by <script src>, not as a module or in a bundle");
  const home = new URL(address).origin;
  const here = location.origin;
  if (customElements.get("tactus-console")) return;

  // Said by the frame.
  const ENDED = {
    late: "no code came from this page within 5 seconds",
    refused: `the code was refused: it works once, for 60 seconds, at the origin it was made for (this is ${here})`,
    unreachable: `the frame got no answer from ${home}`,
  };

  class TactusConsole extends HTMLElement {
    static observedAttributes = ["theme"];
    #frame = null;
    #port = null;
    #notice = null;
    #timer = 0;
    #scheme = "";
    #watch = null;

    connectedCallback() {
      window.addEventListener("message", this.#greet);
      this.#open();
    }

    disconnectedCallback() {
      window.removeEventListener("message", this.#greet);
      clearTimeout(this.#timer);
      this.#watch?.abort();
      this.#port?.close();
      this.#port = this.#frame = this.#notice = null;
    }

    attributeChangedCallback() {
      if (this.#frame) this.#paint();
    }

    navigate(path) {
      this.#say("navigate", { path });
    }

    #open = () => {
      const frame = (this.#frame = document.createElement("iframe"));
      frame.title = this.getAttribute("label") || "Billing";
      frame.allow = "clipboard-write";
      frame.referrerPolicy = "strict-origin";
      Object.assign(frame.style, { display: "block", width: "100%", height: "480px", border: "0" });
      this.#scheme = "";
      this.#paint();
      frame.src = `${home}/console/embed#scheme=${this.#scheme}`;
      frame.onload = () => this.#expect(GREETS_WITHIN);
      this.#expect(COMES_UP_WITHIN);
      this.#notice = null;
      this.replaceChildren(frame);
    };

    #say(type, more) {
      this.#port?.postMessage({ tactus: VERSION, type, ...more });
    }

    // A frame that is ready gets a channel of its own; whoever else speaks is not answered.
    #greet = (event) => {
      if (event.origin !== home || event.source !== this.#frame?.contentWindow) return;
      if (event.data?.tactus !== VERSION || event.data.type !== "ready") return;
      const channel = new MessageChannel();
      this.#port?.close();
      this.#port = channel.port1;
      this.#port.onmessage = ({ data }) => data?.tactus === VERSION && this.#heed(data);
      clearTimeout(this.#timer);
      this.#notice?.remove();
      this.#frame.style.display = "block";
      const hello = { tactus: VERSION, type: "connect", route: this.getAttribute("route") || "", scheme: this.#scheme };
      event.source.postMessage(hello, home, [channel.port2]);
    };

    #heed(message) {
      const { type, path, reason, height } = message;
      if (type === "height" && height > 0) this.#frame.style.height = `${Math.min(height, 20000)}px`;
      if (type === "need-code") this.#answer(message.id);
      if (type === "no-page") complain(`the console has no page ${JSON.stringify(path)}`);
      if (type === "ended") {
        if (ENDED[reason]) complain(ENDED[reason]);
        this.#tell("tactus-ended", { reason });
      }
      if (type === "route") {
        if (!message.first && this.getBoundingClientRect().top < 0) this.scrollIntoView({ block: "start" });
        this.#tell("tactus-route", { path, title: message.title });
      }
    }

    // Browsers tell a page nothing of a frame that they refused: it just does not greet.
    #expect(within) {
      clearTimeout(this.#timer);
      if (!this.#port) this.#timer = setTimeout(() => this.#fail(), within);
    }

    async #fail() {
      const frame = this.#frame;
      frame.style.display = "none";
      this.#notice?.remove();
      this.prepend((this.#notice = notice(this.#open)));
      // As a script, which this page's policy allows from there; another address each time, as answers are kept.
      const found = await import(`${home}/console/embed/origin.js?${Date.now()}`).catch(() => null);
      if (frame !== this.#frame || this.#port) return;
      const reason = found?.registered === false ? "origin" : "frame";
      complain(
        reason === "origin"
          ? `the origin ${here} is not registered, so the frame is refused. Register it, written like this: ${home}/admin/console/embedorigin/ or TACTUS_EMBED_ORIGINS`
          : `the frame of ${home} did not come up${found ? `, though ${here} is registered` : ""}. Does it run, and does frame-src of this page's policy allow it?`,
      );
      this.#tell("tactus-failed", { reason });
    }

    async #answer(id) {
      const port = this.#port;
      const code = await this.#code().catch((error) => complain(error.message));
      port.postMessage({ tactus: VERSION, type: "code", id, code });
    }

    async #code() {
      const given = this.getAttribute("code-url");
      let said = "getCode";
      let code;
      if (this.getCode) {
        try {
          code = await this.getCode();
        } catch (error) {
          throw Error(`getCode failed: ${error?.message ?? error}`);
        }
      } else if (!given) {
        throw Error("the attribute code-url is missing, and getCode is not set");
      } else {
        const response = await fetch(given, { method: "POST", headers: { "X-Tactus": "code" } }).catch((error) => {
          throw Error(`code-url="${given}" could not be asked: ${error.message}`);
        });
        said = `${response.url} answered ${response.status}${response.redirected ? " after a redirect (signed in?)" : ""}`;
        if (!response.ok) throw Error(`${said}, so there is no code`);
        const body = await response.json().catch(() => {
          throw Error(`${said} with ${response.headers.get("Content-Type")}, not with the JSON {"code": "…"}`);
        });
        code = body?.code;
      }
      if (code && typeof code === "string") return code;
      throw Error(`${said} without a code: it is ${JSON.stringify(code)}`);
    }

    #paint() {
      const theme = this.getAttribute("theme") || "auto";
      const known = THEMES.includes(theme);
      if (!known) complain(`theme="${theme}" is none of ${THEMES.join(", ")}`);
      const follow = () => this.#show(schemeOf(this));
      this.#watch?.abort();
      if (known && theme !== "auto") return this.#show(theme);
      this.#watch = watch(this, follow);
      follow();
    }

    #show(scheme) {
      if (scheme === this.#scheme) return;
      this.#scheme = scheme;
      // What the frame's own media query goes by, also before it has heard of us.
      this.#frame.style.colorScheme = scheme === "system" ? "light dark" : scheme;
      this.#say("scheme", { scheme });
    }

    #tell(name, detail) {
      this.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));
    }
  }

  function notice(retry) {
    const box = document.createElement("div");
    box.setAttribute("role", "alert");
    box.style.padding = "20px";
    const [head, text, button] = ["strong", "p", "button"].map((name) => box.appendChild(document.createElement(name)));
    head.textContent = "Billing could not be opened";
    text.textContent = "Nothing is lost. Please try again in a moment; if it goes on, tell those who run this page.";
    Object.assign(button, { type: "button", textContent: "Try again", onclick: retry });
    button.style.font = "inherit";
    return box;
  }

  const above = (node) => node.parentElement ?? node.getRootNode().host;

  // Light or dark, as the page is behind the element: what is painted there, down to the browser's own canvas.
  function schemeOf(element) {
    const probe = element.appendChild(document.createElement("i"));
    probe.style.display = "none"; // nothing fades there
    // Any colour as red, green, blue and alpha: of one mixed with itself, browsers tell the parts.
    const parts = (color) => {
      probe.style.color = color;
      probe.style.color = `color-mix(in srgb, ${color}, ${color})`;
      const written = getComputedStyle(probe).color;
      const scale = written.startsWith("rgb") ? 255 : 1;
      const [r, g, b, alpha = 1] = written.match(/-?[\d.]+(e-?\d+)?/g).map(Number);
      return [r / scale, g / scale, b / scale, alpha];
    };
    const layers = [];
    for (let at = element; at; at = above(at)) layers.unshift(parts(getComputedStyle(at).backgroundColor));
    const mix = (below, layer) => below.map((value, n) => layer[n] * layer[3] + value * (1 - layer[3]));
    const [r, g, b] = layers.reduce(mix, parts("Canvas")).map((value) => Math.max(value, 0) ** 2.2);
    probe.remove();
    return 0.21 * r + 0.72 * g + 0.07 * b > 0.18 ? "light" : "dark";
  }

  // Calls `changed` when the page may look different: attributes up to the root, styles, transitions, the system's scheme.
  function watch(element, changed) {
    const over = new AbortController();
    const { signal } = over;
    const soon = () => requestAnimationFrame(() => signal.aborted || changed());
    const seen = new MutationObserver(soon);
    for (let at = above(element); at; at = above(at)) seen.observe(at, { attributes: true });
    seen.observe(document.head, { childList: true, subtree: true, characterData: true, attributes: true });
    signal.onabort = () => seen.disconnect();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", soon, { signal });
    for (const type of ["transitionend", "load"]) document.addEventListener(type, soon, { signal, capture: true });
    window.addEventListener("load", soon, { signal });
    return over;
  }

  customElements.define("tactus-console", TactusConsole);
  window.addEventListener("load", () => document.querySelector("tactus-console") ?? console.info("tactus-console: no <tactus-console> here yet"));
})();
