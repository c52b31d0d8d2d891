// The letters beside the form, as they read now. Without this script buttons show them.
(() => {
  const form = document.querySelector("form[data-preview]");
  if (!form || !window.fetch) return;
  const letters = document.getElementById("letters");
  const address = form.querySelector("[data-wanted-by]");
  document.documentElement.classList.add("with-script");
  let timer, latest;

  // a postal address is asked for while an office that wants it is ticked
  const ask = () => {
    if (!address) return;
    const data = new FormData(form);
    const wanted = address.dataset.wantedBy.trim().split(" ").some((one) => {
      const [country, office] = one.split(":");
      return data.getAll("countries").includes(country) && data.getAll("offices").includes(office);
    });
    const field = address.querySelector("textarea");
    address.hidden = !wanted && !field.value && !field.hasAttribute("aria-invalid");
  };

  // what is being typed in a letter stays, and so does the place where it is typed
  const swap = (html) => {
    const at = letters.contains(document.activeElement) ? document.activeElement : null;
    const open = [...letters.querySelectorAll("details[open]")].map((one) => one.dataset.sheet);
    letters.innerHTML = html;
    for (const one of letters.querySelectorAll("details[data-sheet]")) {
      if (open.length) one.open = open.includes(one.dataset.sheet);
    }
    const again = at?.id && document.getElementById(at.id);
    if (!again) return;
    if ("selectionStart" in at) {
      again.value = at.value;
      again.setSelectionRange(at.selectionStart, at.selectionEnd);
    }
    again.focus({ preventScroll: true });
  };

  const refresh = async (button) => {
    clearTimeout(timer);
    latest?.abort();
    latest = new AbortController();
    const body = new FormData(form);
    if (button) body.append(button.name, button.value);
    try {
      const answer = await fetch(form.dataset.preview, {
        method: "POST",
        body,
        headers: { "X-Fragment": "letters" },
        signal: latest.signal,
      });
      if (!answer.ok) throw new Error(answer.status);
      swap(await answer.text());
    } catch (fault) {
      if (fault.name === "AbortError") return true;
      // the button that shows the letters comes back
      document.documentElement.classList.remove("with-script");
      return false;
    }
    return true;
  };

  // a browser that comes back here fills in the fields that the page came with; what was written
  // in a letter stands in fields that came later
  const keep = () => {
    const edits = [...new FormData(form)].filter(([name]) => name.startsWith("edit-"));
    history.replaceState(edits, "");
  };
  const changed = (one) => one.checked !== one.defaultChecked || one.value !== one.defaultValue;
  const restore = (event) => {
    if (event.persisted) return;
    const kept = Array.isArray(history.state) ? history.state : [];
    const lost = kept.filter(([name]) => !form.elements[name]);
    for (const [name, value] of lost) {
      letters.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
    }
    ask();
    if (lost.length || [...form.querySelectorAll("input, textarea")].some(changed)) refresh();
  };

  addEventListener("pageshow", restore);
  form.addEventListener("change", keep);
  form.addEventListener("submit", keep);
  form.addEventListener("input", (event) => {
    ask();
    if (letters.contains(event.target)) return;
    clearTimeout(timer);
    timer = setTimeout(refresh, 350);
  });
  // to write a letter anew, and to leave that again
  letters.addEventListener("click", async (event) => {
    const button = event.target.closest("button[name=edit], button[name=ours]");
    if (!button) return;
    event.preventDefault();
    if (!(await refresh(button))) return form.requestSubmit(button);
    keep();
    const sheet = document.getElementById(`sheet-${button.value}`);
    if (sheet) sheet.open = true;
    const next = sheet?.querySelector("textarea, button[name=edit]");
    next?.focus();
    if (next?.value && next.setSelectionRange) next.setSelectionRange(0, 0);
  });
  ask();
})();
