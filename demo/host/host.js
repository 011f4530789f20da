// What a host adds for comfort: who is signed in, light or dark, and the console's page mirrored in the host's own address.
const address = new URL(location.href);
const consoleElement = document.querySelector("tactus-console");

document.getElementById("customer").addEventListener("change", (event) => {
  address.searchParams.set("customer", event.target.value);
  address.searchParams.delete("route");
  location.assign(address);
});

const themes = document.getElementById("theme");
themes.value = address.searchParams.get("theme") ?? "auto";
function dress() {
  if (themes.value === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = themes.value;
  consoleElement?.setAttribute("theme", themes.value);
}
themes.addEventListener("change", dress);
dress();

let shown = null;
consoleElement?.addEventListener("tactus-route", ({ detail }) => {
  const here = new URL(location.href);
  here.searchParams.set("route", detail.path);
  if (shown === null) history.replaceState(detail.path, "", here);
  else if (shown !== detail.path) history.pushState(detail.path, "", here);
  shown = detail.path;
});
window.addEventListener("popstate", (event) => {
  if (!event.state) return;
  shown = event.state;
  consoleElement?.navigate(event.state);
});
