// What every page does: menus close on Escape and outside, times are told as people tell them.
(() => {
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.ml-menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.ml-menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  const units = [
    ["year", 31536000],
    ["month", 2592000],
    ["day", 86400],
    ["hour", 3600],
    ["minute", 60],
  ];
  const tell = (seconds) => {
    const words = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto" });
    for (const [unit, length] of units) {
      if (Math.abs(seconds) >= length) return words.format(Math.trunc(seconds / length), unit);
    }
    return "just now";
  };
  const left = (seconds) => {
    if (seconds >= 60) return tell(seconds);
    return seconds > 0 ? "in less than a minute" : "now";
  };
  const showTimes = (root) => {
    for (const time of root.querySelectorAll("time[datetime]")) {
      const at = new Date(time.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      const seconds = (at.getTime() - Date.now()) / 1000;
      const told = "ends" in time.dataset ? left(seconds) : tell(seconds);
      // What is read out as it changes is not to be read out unchanged.
      if (time.textContent !== told) time.textContent = told;
      time.title = at.toLocaleString();
    }
  };
  window.mlShowTimes = showTimes;
  setInterval(() => showTimes(document), 20000);
  const ready = () => showTimes(document);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", ready);
  else ready();
})();
