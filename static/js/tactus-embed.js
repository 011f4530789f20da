// Shows a customer's billing console inside your page. No dependency, no cookie.
//
//   <script src="https://billing.example.com/static/js/tactus-embed.js" defer></script>
//   <tactus-console code-url="/billing/code" theme="auto"></tactus-console>
//
// Your server answers POST code-url with {"code": "…"} from POST /tactus/v1/embed/sessions; or set element.getCode to a
// function that returns (a promise of) a fresh code. Attributes: code-url, route ("/invoices"), theme (light, dark, auto),
// label. Events: tactus-route {path, title}, tactus-ended. Methods: navigate(path).
(() => {
  const VERSION = 1;
  const home = new URL(document.currentScript.src).origin;
  if (customElements.get("tactus-console")) return;

  class TactusConsole extends HTMLElement {
    static observedAttributes = ["theme"];
    #frame = null;
    #port = null;

    connectedCallback() {
      const frame = (this.#frame = document.createElement("iframe"));
      frame.src = `${home}/console/embed`;
      frame.title = this.getAttribute("label") || "Billing";
      frame.allow = "clipboard-write";
      frame.referrerPolicy = "strict-origin";
      Object.assign(frame.style, { display: "block", width: "100%", height: "480px", border: "0" });
      window.addEventListener("message", this.#greet);
      this.replaceChildren(frame);
    }

    disconnectedCallback() {
      window.removeEventListener("message", this.#greet);
      this.#port?.close();
      this.#port = this.#frame = null;
    }

    attributeChangedCallback() {
      this.#say("scheme", { scheme: this.#scheme });
    }

    navigate(path) {
      this.#say("navigate", { path });
    }

    get #scheme() {
      return this.getAttribute("theme") || "auto";
    }

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
      const hello = { tactus: VERSION, type: "connect", route: this.getAttribute("route") || "", scheme: this.#scheme };
      event.source.postMessage(hello, home, [channel.port2]);
    };

    #heed(message) {
      if (message.type === "height" && message.height > 0) this.#frame.style.height = `${Math.min(message.height, 20000)}px`;
      if (message.type === "need-code") this.#answer(message.id);
      if (message.type === "ended") this.#tell("tactus-ended");
      if (message.type === "route") {
        if (!message.first && this.getBoundingClientRect().top < 0) this.scrollIntoView({ block: "start" });
        this.#tell("tactus-route", { path: message.path, title: message.title });
      }
    }

    async #answer(id) {
      const port = this.#port;
      const code = await this.#code().catch((error) => this.#complain(error));
      port.postMessage({ tactus: VERSION, type: "code", id, code });
    }

    async #code() {
      if (this.getCode) return this.getCode();
      const response = await fetch(this.getAttribute("code-url"), { method: "POST", headers: { "X-Tactus": "code" } });
      if (!response.ok) return this.#complain(`${response.url} answered ${response.status}, so there is no code`);
      return (await response.json()).code;
    }

    // For the developer; what the visitor reads is the frame's.
    #complain(what) {
      console.error("tactus-console:", what);
      return null;
    }

    #tell(name, detail) {
      this.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));
    }
  }

  customElements.define("tactus-console", TactusConsole);
})();
