// The back office, besides unfold's script. Unfold hides the page until Alpine has begun, so that the browser's own
// autofocus finds nothing to focus.
document.addEventListener("alpine:initialized", () => {
  // it is shown in a microtask of its own, after this event
  setTimeout(() => {
    const wanted = document.querySelector("[autofocus]");
    if (wanted && document.activeElement === document.body) wanted.focus();
  }, 0);
});
