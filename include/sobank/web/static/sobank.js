// The one script: Airflow's theme, selections in lists, filters that apply when chosen, copying a text.
"use strict";

// Airflow puts its theme as a class on its own <html>; inside its frame we wear the same.
function wearTheme() {
  const own = document.documentElement;
  let dark = window.matchMedia("(prefers-color-scheme: dark)").matches;
  try {
    if (window.parent !== window) {
      const theirs = window.parent.document.documentElement;
      dark = theirs.classList.contains("dark");
      new MutationObserver(() => own.classList.toggle("dark", theirs.classList.contains("dark")))
        .observe(theirs, { attributes: true, attributeFilter: ["class"] });
    }
  } catch (error) {
    // A frame of another site: the system's own theme stays.
  }
  own.classList.toggle("dark", dark);
}
wearTheme();

// <input type=checkbox data-all> ticks every box of its form; [data-count] says how many; [data-needs-selection] waits for one.
for (const form of document.querySelectorAll("form[data-selection]")) {
  const boxes = () => [...document.querySelectorAll(`input[type=checkbox][form="${form.id}"]:not([data-all]), #${form.id} input[type=checkbox]:not([data-all])`)];
  const all = document.querySelector(`input[data-all="${form.id}"]`);
  const tell = () => {
    const n = boxes().filter((box) => box.checked).length;
    for (const place of document.querySelectorAll(`[data-count="${form.id}"]`)) place.textContent = String(n);
    for (const button of document.querySelectorAll(`[data-needs-selection="${form.id}"]`)) button.disabled = n === 0;
    if (all) { all.checked = n > 0 && n === boxes().length; all.indeterminate = n > 0 && n < boxes().length; }
  };
  if (all) all.addEventListener("change", () => { for (const box of boxes()) box.checked = all.checked; tell(); });
  document.addEventListener("change", (event) => { if (boxes().includes(event.target)) tell(); });
  tell();
}

// Airflow mirrors our address into its own, where a reload would log it: an account number does not stay in it.
// The rule is that of guard.py: what these fields hold comes from our pages, and may look like one.
const OUR_CODES = ["cabinet", "connector", "offer", "dossier", "partner", "user", "actor"];
const digits = (text) => (text.match(/\d/g) ?? []).length;
function holdsANumber(name, value) {
  if (digits(value) >= 11) return true;
  const stretches = OUR_CODES.includes(name) ? [] : value.replace(/\s/g, "").matchAll(/(?=([0-9A-Za-z]{11}))/g);
  return [...stretches].some(([, stretch]) => digits(stretch) >= 6);
}
const address = new URL(location.href);
for (const [name, value] of [...address.searchParams]) {
  if (holdsANumber(name, value)) address.searchParams.delete(name);
}
if (address.href !== location.href) history.replaceState(null, "", address);

// <select data-apply> sends its form when something is chosen.
document.addEventListener("change", (event) => {
  if (event.target.matches("select[data-apply]")) event.target.form.requestSubmit();
});

// <button data-copy="id"> copies the text of an element and says so.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.value ?? source.textContent);
  } catch (error) {
    const range = document.createRange();
    range.selectNodeContents(source);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    document.execCommand("copy");
  }
  button.textContent = button.dataset.copied;
});
