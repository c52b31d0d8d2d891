// The letters beside the form, as they read now. Without this script a button shows them.
(() => {
  const form = document.querySelector("form[data-preview]");
  if (!form || !window.fetch) return;
  const letters = document.getElementById("letters");
  document.documentElement.classList.add("with-script");
  let timer, latest;

  const refresh = async () => {
    latest?.abort();
    latest = new AbortController();
    const open = [...letters.querySelectorAll("details[open]")].map((one) => one.dataset.sheet);
    try {
      const answer = await fetch(form.dataset.preview, {
        method: "POST",
        body: new FormData(form),
        headers: { "X-Fragment": "letters" },
        signal: latest.signal,
      });
      if (!answer.ok) return;
      letters.innerHTML = await answer.text();
      for (const one of letters.querySelectorAll("details")) {
        if (open.length) one.open = open.includes(one.dataset.sheet);
      }
    } catch (fault) {
      if (fault.name !== "AbortError") document.documentElement.classList.remove("with-script");
    }
  };
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(refresh, 350);
  });
})();
