// Saves a draft's parts as they are typed, keeps what could not be saved on this device, and shows
// the previews anew. Without this script each part has its Save, and the frames reload with the page.
(() => {
  document.documentElement.classList.add("with-script");
  const atOnce = document.querySelector("form[data-at-once]");
  atOnce?.addEventListener("change", () => atOnce.requestSubmit());

  const editor = document.getElementById("editor");
  if (!editor || !window.fetch) return;
  const REST = 1500, AGAIN = 15000; // milliseconds
  const said = (name, filled = "") => editor.dataset[`said${name}`].replace("{}", filled);
  const byHand = new Set([...editor.querySelectorAll("[data-by-hand]")].map((one) => one.name));
  const parts = [...editor.querySelectorAll("form[data-part]")].filter((one) => one.querySelector("button"));

  const typed = (form) =>
    [...new FormData(form)].filter(([name]) => !byHand.has(name) && name !== "form_token" && name !== "version");
  const shelf = (form) => `editor:${editor.dataset.alert}:${form.dataset.part}`;
  const sealed = (form) => JSON.stringify(typed(form));
  const remember = (form) => {
    try {
      const kept = { version: form.elements.version.value, fields: typed(form) };
      localStorage.setItem(shelf(form), JSON.stringify(kept));
    } catch { /* a full or forbidden store: the text still stands in its field */ }
  };
  const forget = (form) => {
    try { localStorage.removeItem(shelf(form)); } catch { /* the same */ }
  };
  const recall = (form) => {
    try { return JSON.parse(localStorage.getItem(shelf(form))); } catch { return null; }
  };
  const say = (form, text, ill = false) => {
    const line = form.querySelector(".saved");
    line.classList.toggle("ill", ill);
    if (line.textContent !== text) line.textContent = text;
  };

  // ── saving ──
  // what was typed while this script was still on its way is not saved; of what was served, a field
  // for a date or an address shows only what is one
  const asServed = (one) => {
    const fresh = document.createElement(one.localName);
    if (one.localName === "input") fresh.type = one.type;
    fresh.defaultValue = one.defaultValue;
    return fresh.value;
  };
  const touched = (form) =>
    [...form.elements].some((one) => one.type !== "hidden" && !byHand.has(one.name)
      && (one.checked !== one.defaultChecked || ("defaultValue" in one && one.value !== asServed(one))));
  const stateOf = (form) => ({ saved: touched(form) ? "" : sealed(form), timer: 0, busy: false });
  const states = new Map(parts.map((form) => [form, stateOf(form)]));
  const isDirty = (form) => states.get(form).saved !== sealed(form);

  const post = (form) => {
    const data = new URLSearchParams(typed(form));
    data.set("form_token", form.elements.form_token.value);
    data.set("version", form.elements.version.value);
    return fetch(form.action, { method: "POST", body: data, headers: { "X-Autosave": "1" } });
  };
  const withNewToken = async (form, answer) => {
    if (answer.status !== 403 || !answer.headers.get("content-type")?.includes("json")) return answer;
    const token = (await answer.json()).form_token;
    for (const one of document.querySelectorAll("[name=form_token]")) one.value = token;
    return post(form);
  };
  const save = async (form) => {
    const state = states.get(form);
    clearTimeout(state.timer);
    state.timer = 0;
    if (state.busy || !isDirty(form) || form.hasAttribute("data-both")) return;
    state.busy = true;
    const seal = sealed(form);
    say(form, said("Saving"));
    try {
      const answer = await withNewToken(form, await post(form));
      await take(form, answer, seal);
    } catch {
      say(form, said("Failed"), true);
      later(form, AGAIN);
    }
    state.busy = false;
    if (!state.timer && isDirty(form) && sealed(form) !== seal) later(form, REST);
  };
  const take = async (form, answer, seal) => {
    if (answer.status === 200) {
      const { version, faults } = await answer.json();
      form.elements.version.value = version;
      states.get(form).saved = seal;
      if (sealed(form) === seal) forget(form);
      const now = new Date().toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
      say(form, said("Saved", now));
      list(faults);
      for (const frame of document.querySelectorAll("iframe[data-live]")) frame.contentWindow.location.reload();
    } else if (answer.status === 409) {
      say(form, said("Elsewhere", (await answer.json()).by), true);
    } else if (answer.status === 422) {
      say(form, Object.values((await answer.json()).errors)[0] || said("Refused"), true);
    } else if (answer.status === 401 || answer.status === 403) {
      say(form, said("SignedOut"), true);
      later(form, AGAIN);
    } else {
      say(form, said("Failed"), true);
      later(form, AGAIN);
    }
  };
  const later = (form, wait) => {
    const state = states.get(form);
    clearTimeout(state.timer);
    state.timer = setTimeout(() => { state.timer = 0; save(form); }, wait);
  };

  // ── what is still missing ──
  const list = (faults) => {
    const all = Object.values(faults).flat().filter((one) => one.serious);
    for (const place of document.querySelectorAll("[data-faults]")) {
      const name = place.dataset.faults;
      const found = name === "all" ? all : (faults[name] || []).filter((one) => name !== "letters" || one.serious);
      place.replaceChildren(...found.map((one) => {
        const item = document.createElement("li"), link = document.createElement("a");
        link.href = one.href;
        link.textContent = one.sentence;
        item.append(link);
        return item;
      }));
    }
  };

  // ── what was typed here before and not saved ──
  const restore = (form) => {
    const kept = recall(form);
    if (!kept || form.hasAttribute("data-unsaved")) return false;
    if (form.hasAttribute("data-saved") || JSON.stringify(kept.fields) === sealed(form)) {
      forget(form);
      return false;
    }
    const places = ([name]) => form.querySelectorAll(`[name="${CSS.escape(name)}"]`);
    const homeless = kept.fields.filter((one) => one[1] && !places(one).length);
    if (homeless.length) {
      const box = document.createElement("pre");
      box.tabIndex = 0;
      box.textContent = homeless.map((one) => one[1]).join("\n\n");
      form.append(box);
    }
    for (const box of form.querySelectorAll("[type=checkbox]:not([data-by-hand])")) box.checked = false;
    for (const field of kept.fields) {
      for (const one of places(field)) {
        if (one.type !== "checkbox") one.value = field[1];
        else if (one.value === field[1]) one.checked = true;
      }
    }
    form.elements.version.value = kept.version;
    say(form, said("Back"), true);
    return true;
  };

  for (const form of parts) {
    if (!restore(form) && !states.get(form).saved) {
      remember(form);
      later(form, REST);
    }
    form.addEventListener("input", (event) => {
      if (byHand.has(event.target.name)) return;
      remember(form);
      later(form, REST);
    });
    form.addEventListener("focusout", (event) => {
      if (states.get(form).timer && !form.contains(event.relatedTarget)) save(form);
    });
    form.addEventListener("submit", () => {
      clearTimeout(states.get(form).timer);
      if (isDirty(form)) remember(form);
    });
    form.addEventListener("keydown", (event) => {
      if (event.key.toLowerCase() !== "s" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      save(form);
    });
  }
  for (const link of editor.querySelectorAll("[data-take-theirs]")) {
    link.addEventListener("click", () => forget(editor.querySelector(`form[data-part="${link.dataset.takeTheirs}"]`)));
  }
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) for (const form of parts) if (states.get(form).timer) save(form);
  });
  window.addEventListener("focus", () => {
    for (const form of parts) if (states.get(form).timer) save(form);
  });
})();
