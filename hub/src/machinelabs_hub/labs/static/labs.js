// The labs' pages read without any of this: it copies code, goes on with an opening, and lets the
// keyboard into boxes that scroll.
(() => {
  const scrolls = (box) => box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1;
  const prepare = (root) => {
    for (const button of root.querySelectorAll(".ml-copy[hidden]")) button.hidden = false;
    for (const box of root.querySelectorAll(".ml-output, .ml-code > pre, .ml-content, .ml-content pre, .ml-formula, .ml-scroll")) {
      if (scrolls(box)) box.tabIndex = 0;
    }
    window.mlShowTimes?.(root);
  };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.(".ml-copy");
    if (!button) return;
    await navigator.clipboard.writeText(button.parentElement.querySelector("code").textContent);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 1500);
  });

  document.addEventListener("submit", (event) => {
    const busy = event.target.querySelector(".ml-busy");
    if (busy) busy.hidden = false;
  });
  document.addEventListener("htmx:load", (event) => prepare(event.detail.elt));

  const ready = () => {
    prepare(document);
    // In a narrow window the tabs scroll: the one that is open stands where it is seen.
    const tab = document.querySelector(".ml-tabs [aria-current]");
    if (tab) tab.parentElement.scrollLeft = tab.offsetLeft - tab.parentElement.offsetLeft - 48;
    const zone = document.querySelector("input[data-zone]");
    // Whoever was in the field before this ran keeps what they wrote, or writes over what stands there now.
    if (zone && !zone.dataset.zone && zone.value === zone.defaultValue) {
      zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone || zone.value;
      if (zone === document.activeElement) zone.select();
    }
    document.querySelector("form[data-ml-submit]")?.requestSubmit();
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", ready);
  else ready();
})();
