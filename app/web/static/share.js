// A button that hands a text to the device's own share sheet, Signal among it, where it has one.
if (navigator.share) {
  for (const text of document.querySelectorAll("[data-share]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button quiet";
    button.textContent = text.dataset.share;
    const words = text.textContent;
    button.addEventListener("click", () => navigator.share({ text: words }).catch(() => {}));
    text.after(button);
  }
}
