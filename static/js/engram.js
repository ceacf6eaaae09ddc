/* Engram's whole script. The pages work without it: every shortcut presses a real control, and every
   form can be sent by the browser itself. No eval, no inline handlers. */
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

  // Keys: one layer for all pages; a focused link or button keeps its own Space and Enter.
  const usable = (el) => !el.disabled && el.getAttribute("aria-disabled") !== "true" && !el.closest("[hidden]");
  const typing = (el) => el.closest("input, textarea, select, [contenteditable]") !== null;
  const ownsKey = (el, key) => (key === " " || key === "Enter") && el.closest("a, button, summary, label") !== null;

  document.addEventListener("keydown", (e) => {
    if (e.key === "Escape") closeMenus(null, true);
    if (e.defaultPrevented || e.isComposing || e.repeat || e.ctrlKey || e.metaKey || e.altKey) return;
    if (document.documentElement.dataset.keys === "off" || $("dialog[open]")) return;
    if (typing(e.target) || ownsKey(e.target, e.key)) return;
    const key = e.key === " " ? "Space" : e.key;
    const control = $$("[data-keys]").find((el) => el.dataset.keys.split(" ").includes(key) && usable(el));
    if (!control) return;
    e.preventDefault();
    control.click();
  });

  // Menus and dialogs.
  let opener = null;
  const closeMenus = (inside, refocus) => {
    for (const menu of $$("details.menu[open]")) {
      if (menu.contains(inside)) continue;
      menu.open = false;
      if (refocus) $("summary", menu).focus();
    }
  };
  document.addEventListener("click", (e) => {
    const opens = e.target.closest("[data-opens]");
    if (opens) {
      e.preventDefault();
      const menu = opens.closest("details.menu[open]");  // else the browser itself gives the focus back
      opener = menu && $("summary", menu);
      closeMenus(null, false);
      document.getElementById(opens.dataset.opens).showModal();
      return;
    }
    closeMenus(e.target, false);
  });
  document.addEventListener("close", () => opener && opener.focus(), true);

  // Review: reveal in the page, and time both sides.
  let shownAt = performance.now();
  let revealedAt = null;
  const reveal = (stage) => {
    for (const part of $$("[data-when]", stage)) part.hidden = part.dataset.when !== "a";
    stage.dataset.side = "a";
    document.title = document.title.replace(/^Question/, "Answer");
    revealedAt = performance.now();
    $("#answer").focus({ preventScroll: true });
  };
  const start = () => {
    shownAt = performance.now();
    revealedAt = $("#stage[data-side=a]") ? shownAt : null;
  };
  document.addEventListener("submit", (e) => {
    const form = e.target;
    if (form.matches("[data-reveal]")) {
      e.preventDefault();
      reveal($("#stage"));
    }
  });
  const stampTimes = (form) => {
    if (revealedAt === null || form.elements.thinking_ms.value !== "") return;
    form.elements.thinking_ms.value = Math.round(revealedAt - shownAt);
    form.elements.reading_ms.value = Math.round(performance.now() - revealedAt);
  };
  document.addEventListener("click", (e) => {
    const grade = e.target.closest("[data-grade] button");
    if (grade) stampTimes(grade.form);
  }, true);

  // Failures are said in the page; the card and the pressed button stay, and the same press can be tried again.
  let pressed = null;
  const graded = () => pressed !== null && pressed.closest("[data-grade]") !== null;
  const what = () => graded() ? "your answer" : "that";
  let offline = false;
  const trouble = (text) => {
    const note = $("#trouble");
    if (!note) return;
    $("p", note).textContent = text;
    note.hidden = false;
    note.scrollIntoView({ block: "nearest" });
  };
  const unsaved = (e) => e.preventDefault();
  const lost = (text) => {
    trouble(text);
    if (graded()) addEventListener("beforeunload", unsaved);
  };
  const settled = () => {
    pressed = null;
    removeEventListener("beforeunload", unsaved);
  };
  document.addEventListener("htmx:beforeRequest", (e) => {
    const { elt, requestConfig } = e.detail;
    if (elt.closest("#stage")) pressed = requestConfig.triggeringEvent?.submitter || elt;
    offline = !navigator.onLine;
    document.documentElement.dataset.busy = "yes";
  });
  document.addEventListener("htmx:afterRequest", (e) => {
    delete document.documentElement.dataset.busy;
    if (e.detail.successful) settled();
  });
  // Only what was never sent is surely unsaved: a connection that breaks later may have brought it there.
  document.addEventListener("htmx:sendError", () => lost(!offline
    ? `The connection broke, and we can’t tell whether ${what()} was saved. Try again: it won’t count twice.`
    : graded() ? "You’re offline. Your answer for this card hasn’t been saved. It stays here; try again when you’re back."
    : "You’re offline, so nothing was changed. Try again when you’re back."));
  document.addEventListener("htmx:timeout", () => lost("That took too long. Try again: if it was saved already, it won’t count twice."));
  document.addEventListener("htmx:responseError", (e) => {
    const { status } = e.detail.xhr;
    const wait = e.detail.xhr.getResponseHeader("Retry-After") || 10;
    const said = (e.detail.xhr.getResponseHeader("Content-Type") || "").startsWith("text/plain") && e.detail.xhr.responseText;
    if (status === 429) lost(`Too many requests. Wait ${wait} seconds, then try again.`);
    else if (status === 403) location.reload();
    else if (status === 404) lost("This card no longer exists. Reload the page to go on.");
    else lost(said || `Something broke on our side. Try again in a moment: if ${what()} was saved already, it won’t count twice.`);
  });
  document.addEventListener("click", (e) => {
    if (!e.target.closest("[data-retry]")) return;
    $("#trouble").hidden = true;
    if (pressed && pressed.isConnected) pressed.click();
  });
  document.addEventListener("htmx:beforeSwap", (e) => {
    if (e.detail.xhr.status === 409 || e.detail.xhr.status === 422) settled();
  });
  document.addEventListener("htmx:afterSettle", () => {
    if (!$("#stage")) return;
    start();
    scrollTo({ top: 0, behavior: "instant" });
  });

  // A page that the browser kept from before an answer is asked for afresh.
  addEventListener("pageshow", (e) => {
    if (e.persisted && $("#stage")) location.reload();
  });

  // The browser's zone, for sign-up; and the password that may be looked at.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const ready = () => {
    for (const field of $$("input[data-time-zone]")) field.value = zone || "";
    const errors = $(".errors[tabindex]");
    if (errors) errors.focus();
    start();
  };
  document.addEventListener("click", (e) => {
    const button = e.target.closest("[data-shows]");
    if (!button) return;
    const field = document.getElementById(button.dataset.shows);
    const show = field.type === "password";
    field.type = show ? "text" : "password";
    button.setAttribute("aria-pressed", String(show));
  });
  document.addEventListener("click", (e) => e.target.closest("[data-prints]") && print());
  ready();
})();
