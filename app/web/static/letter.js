// A letter that saves itself, words to insert, and one more empty variant where they are used up.
// Without this script a button saves, the words can be copied, and each save adds an empty field.
(() => {
  const form = document.getElementById("letter");
  if (!form || !window.fetch || !form.querySelector(".save")) return;
  const said = form.dataset;
  const status = document.getElementById("saving");
  const sample = document.getElementById("sample-letter");
  const findings = document.getElementById("findings");
  let timer, under, stopped = false, dirty = false, last = document.getElementById("body");

  const shown = (found) => {
    for (const one of form.querySelectorAll(".told")) one.textContent = "";
    for (const one of form.querySelectorAll(".field.wrong")) one.classList.remove("wrong");
    const list = findings.querySelector("ul");
    list.textContent = "";
    for (const one of found) {
      const item = document.createElement("li"), link = document.createElement("a");
      if (one.serious) item.append(Object.assign(document.createElement("strong"), { textContent: said.serious }), " ");
      link.href = `#${one.anchor}`;
      link.textContent = one.sentence;
      item.append(link);
      list.append(item);
      const place = document.getElementById(`told-${one.anchor}`);
      if (!place) continue;
      const line = document.createElement("p");
      line.className = one.serious ? "error" : "look";
      line.textContent = one.sentence;
      place.append(line);
      if (one.serious && place.closest("details")) place.closest("details").open = true;
      if (one.serious) place.closest(".field")?.classList.add("wrong");
    }
    findings.hidden = !found.length;
    findings.classList.toggle("wrong", found.some((one) => one.serious));
  };

  const post = (keepalive = false) =>
    fetch(form.action, {
      method: "POST",
      body: new URLSearchParams(new FormData(form)),
      headers: { "X-Autosave": "1" },
      redirect: "manual",
      keepalive,
    });

  const answered = async (answer) => {
    const body = answer.headers.get("content-type")?.includes("json") ? await answer.json() : {};
    if (answer.status === 403 && body.form_token) {
      form.elements.form_token.value = body.form_token;
      return answered(await post());
    }
    if (answer.ok) {
      form.elements.version.value = body.version;
      status.textContent = said.saved;
      shown(body.found);
      if (sample) sample.contentWindow.location.reload();
    } else if (answer.status === 409) {
      stopped = true;
      status.textContent = said.overtaken;
    } else {
      dirty = true;
      status.textContent = said.notSaved;
      const found = Object.entries(body.errors ?? {});
      if (found.length) shown(found.map(([anchor, sentence]) => ({ anchor, sentence, serious: true })));
    }
  };

  const save = async () => {
    clearTimeout(timer);
    if (under) await under;
    if (stopped || !dirty) return;
    dirty = false;
    status.textContent = said.saving;
    under = post().then(answered).catch(() => {
      dirty = true;
      status.textContent = said.notSaved;
    });
    await under;
    under = undefined;
  };

  form.addEventListener("input", () => {
    dirty = true;
    clearTimeout(timer);
    timer = setTimeout(save, 2000);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "s" || !(event.ctrlKey || event.metaKey) || event.altKey) return;
    event.preventDefault();
    save();
  });
  // an answer that is still under way would make this form's own version too old
  form.addEventListener("submit", async (event) => {
    clearTimeout(timer);
    dirty = false;
    if (!under) return;
    event.preventDefault();
    await under;
    under = undefined;
    dirty = false; // it goes with the form, whatever became of the save
    // the button too: one of them asks for a letter beside it; older browsers know no way for that
    form.requestSubmit ? form.requestSubmit(event.submitter) : form.submit();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") save();
  });
  window.addEventListener("pagehide", () => {
    if (dirty && !stopped && !under) post(true).catch(() => {});
  });

  form.addEventListener("focusin", (event) => {
    if (event.target.matches("[data-text]")) last = event.target;
  });
  for (const code of form.querySelectorAll("code[data-insert]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = code.textContent;
    button.addEventListener("click", () => {
      const into = code.dataset.only ? document.getElementById("body") : last;
      into.focus();
      into.setRangeText(code.dataset.insert, into.selectionStart, into.selectionEnd, "end");
      into.dispatchEvent(new Event("input", { bubbles: true }));
    });
    code.replaceWith(button);
  }
  for (const group of form.querySelectorAll("[data-variants]")) {
    const template = group.querySelector("template");
    group.addEventListener("input", () => {
      const texts = group.querySelectorAll("textarea");
      if (texts.length >= 30 || !texts[texts.length - 1].value.trim()) return;
      const fresh = document.createElement("div");
      fresh.innerHTML = template.innerHTML.replaceAll("NUMBER", texts.length + 1);
      template.before(...fresh.children);
    });
  }
})();
