// Counts a letter when it is opened, while the mail program opens, and copies the text that a link
// is too short for. Without this script a button counts, and the text is there to be copied.
(() => {
  const counted = new Set();
  let ours;
  const page = () => document.querySelector("input[name=page]")?.value
    || (ours ??= crypto.getRandomValues(new Uint32Array(4)).join("-"));

  const count = async (office, address, note) => {
    if (counted.has(office)) return;
    counted.add(office);
    try {
      const answer = await fetch(address, {
        method: "POST",
        body: new URLSearchParams({ page: page(), opened: office }),
        headers: { "X-Fragment": "opened" },
        keepalive: true,
      });
      if (!answer.ok) throw new Error(answer.status);
      if (note) note.textContent = note.dataset.thanks;
    } catch {
      counted.delete(office);
    }
  };
  const copy = async (text, note) => {
    try {
      await navigator.clipboard.writeText(text);
      if (note) note.textContent = note.dataset.pasted;
    } catch {
      // it stands there to be copied by hand
    }
  };
  document.addEventListener("click", (event) => {
    const touched = event.target.closest(".ways a, .sheet-body + button, button[name=opened]");
    const sheet = touched?.closest(".sheet");
    const ways = sheet?.querySelector("[data-opened-at]");
    if (!ways) return;
    if (touched.name === "opened") event.preventDefault();
    const text = sheet.querySelector(".sheet-body");
    if (text && "withoutText" in touched.dataset) copy(text.textContent, sheet.querySelector("[data-pasted]"));
    count(ways.dataset.office, ways.dataset.openedAt, sheet.querySelector("[data-thanks]"));
  });
})();
