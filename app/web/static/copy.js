// A button under each text that is there to be copied. Without this script it can be selected.
if (navigator.clipboard) {
  for (const text of document.querySelectorAll("[data-copy]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button quiet";
    button.textContent = text.dataset.copy;
    const words = text.textContent;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(words);
      button.textContent = text.dataset.copied;
      setTimeout(() => (button.textContent = text.dataset.copy), 2000);
    });
    text.after(button);
  }
}
