// How the letters stand, without a reload: asks again and again, ever more rarely, while the page is
// looked at and something can still change. Only what changed is put in: an open receipt stays
// open, a typed day stays typed, the keyboard stays where it was. Without this script: a reload.
(() => {
  const live = document.getElementById("live");
  const news = document.getElementById("news");
  if (!live || !window.fetch) return;
  document.documentElement.classList.add("with-script");
  const SOONEST = 5000, LATEST = 60000;
  let wait = SOONEST, etag = "", timer;

  const settled = () => live.querySelector("[data-settled]");

  const named = (parent) => {
    const seen = {};
    return new Map([...parent.children].map((one) => {
      const name = one.id || one.dataset.part || one.nodeName;
      seen[name] = (seen[name] || 0) + 1;
      return [`${name} ${seen[name]}`, one];
    }));
  };
  const hasText = (one) => [...one.childNodes].some((n) => n.nodeType === 3 && n.data.trim());

  const dress = (old, now) => {
    for (const { name } of [...old.attributes]) {
      if (name !== "open" && !now.hasAttribute(name)) old.removeAttribute(name);
    }
    for (const { name, value } of now.attributes) {
      if (name !== "open" && old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
  };
  const become = (old, now) => {
    dress(old, now);
    if (hasText(old) || hasText(now)) {
      if (old.innerHTML !== now.innerHTML) old.replaceChildren(...now.childNodes);
      return;
    }
    const before = named(old), after = named(now);
    for (const [name, one] of before) if (!after.has(name)) one.remove();
    let at = old.firstElementChild;
    for (const [name, one] of after) {
      const same = before.get(name);
      if (same && same.nodeName === one.nodeName) {
        if (same === at) at = at.nextElementSibling;
        else old.insertBefore(same, at);
        become(same, one);
      } else {
        old.insertBefore(one, at);
      }
    }
  };

  const tell = (before) => {
    const changed = [...live.querySelectorAll("[data-status]")].filter(
      (one) => before.get(one.id) !== one.dataset.status,
    );
    if (changed.length) news.textContent = changed.map((one) => one.dataset.said).join(". ");
  };

  const look = async () => {
    try {
      const answer = await fetch(live.dataset.live, {
        headers: etag ? { "If-None-Match": etag } : {},
      });
      if (answer.status === 404 || answer.status === 410) return;
      if (answer.status === 200) {
        etag = answer.headers.get("ETag") || "";
        const before = new Map(
          [...live.querySelectorAll("[data-status]")].map((one) => [one.id, one.dataset.status]),
        );
        const template = document.createElement("template");
        template.innerHTML = await answer.text();
        const old = live.innerHTML;
        become(live.firstElementChild, template.content.firstElementChild);
        tell(before);
        if (live.innerHTML !== old) wait = SOONEST;
      }
    } catch { /* no line just now: later again */ }
    next();
  };
  const next = () => {
    clearTimeout(timer);
    if (settled() || document.hidden) return;
    timer = setTimeout(look, wait);
    wait = Math.min(wait * 1.3, LATEST);
  };
  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (!document.hidden && !settled()) look();
  });
  next();
})();
