/* Passkeys: a form with data-passkey asks the device, puts its answer into the form, and sends it.
   "create" and "get" have their options in the page, "login" fetches them from the form's own address.
   The conversion between JSON and the browser's buffers is allauth's mfa/js/webauthn-json.js. */
(() => {
  "use strict";
  const supported = () => Boolean(window.PublicKeyCredential && window.webauthnJSON);

  const say = (form, text) => {
    const place = form.querySelector("[data-says]");
    place.textContent = text;
    place.hidden = text === "";
  };

  const reasons = {
    NotAllowedError: "That was cancelled, or took too long. Try again.",
    InvalidStateError: "This device has a passkey for your account already.",
    SecurityError: "Passkeys work only at the address that this site was set up for.",
  };

  const fetched = async (form) => {
    const answer = await fetch(form.action, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    return (await answer.json()).request_options;
  };

  const asked = async (form) => {
    if (form.dataset.passkey === "login") return webauthnJSON.get(await fetched(form));
    const options = JSON.parse(form.dataset.options);
    if (form.dataset.passkey === "get") return webauthnJSON.get(options);
    Object.assign(options.publicKey.authenticatorSelection, {
      residentKey: "required", requireResidentKey: true, userVerification: "required",
    });
    return webauthnJSON.create(options);
  };

  document.addEventListener("submit", async (e) => {
    const form = e.target;
    if (!form.matches("[data-passkey]")) return;
    e.preventDefault();
    if (form.dataset.busy) return;
    form.dataset.busy = "yes";
    say(form, "");
    try {
      form.elements.credential.value = JSON.stringify(await asked(form));
      form.submit();
    } catch (error) {
      delete form.dataset.busy;
      say(form, reasons[error.name] || "That didn’t work. Reload the page and try again.");
    }
  });

  for (const form of document.querySelectorAll("[data-passkey]")) {
    if (supported()) continue;
    form.querySelector("button").hidden = true;
    say(form, "This browser has no passkeys.");
  }
})();
