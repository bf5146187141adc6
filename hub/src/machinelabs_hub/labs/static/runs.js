// The page of a run reads without any of this: it takes new rows and states as the service sends
// them, keeps the newest ones in view, and never holds more rows than a browser bears.
(() => {
  const FOLLOWING = 1500;
  const READING = 6000;
  // The service says something every ten seconds at least. A proxy may hold a connection open whose
  // other end is long gone; the browser then waits for ever, so it is closed from here.
  const SILENT = 25_000;
  const AWAY = "The connection is lost. It is tried again every few seconds.";

  const start = () => {
    const log = document.getElementById("run-log");
    if (!log) return;
    const gap = document.getElementById("run-gap");
    const newest = document.getElementById("run-newest");
    const box = document.getElementById("run-rows");
    const nearEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 48;
    const number = (row) => Number(row.dataset.row);
    const rows = new Map([...box.querySelectorAll("[data-row]")].map((row) => [number(row), row]));
    let waiting = new Map();
    let timer = 0;
    let isFollowing = true;
    let at = Number(log.dataset.at);
    let last = Math.max(-1, ...rows.keys());

    const toEnd = () => {
      isFollowing = true;
      log.scrollTop = log.scrollHeight;
      newest.hidden = true;
    };
    newest.addEventListener("click", toEnd);
    log.addEventListener(
      "scroll",
      () => {
        isFollowing = nearEnd();
        newest.hidden = isFollowing || !log.dataset.live;
      },
      { passive: true },
    );

    const made = (html) => {
      const holder = document.createElement("template");
      holder.innerHTML = html;
      return holder.content.firstElementChild;
    };
    const countGap = () => {
      const after = gap.nextElementSibling;
      const before = gap.previousElementSibling;
      const count = after ? number(after) - (before ? number(before) + 1 : 0) : 0;
      gap.hidden = count <= 0;
      gap.querySelector("strong").textContent = count.toLocaleString(document.documentElement.lang);
    };
    const prune = () => {
      const most = isFollowing ? FOLLOWING : READING;
      let shown = gap.parentElement.childElementCount - 1;
      while (shown-- > most && gap.nextElementSibling) {
        rows.delete(number(gap.nextElementSibling));
        gap.nextElementSibling.remove();
      }
      countGap();
    };
    const drop = (fresh) => {
      while (gap.nextElementSibling) {
        rows.delete(number(gap.nextElementSibling));
        gap.nextElementSibling.remove();
      }
      for (const row of fresh.children) rows.delete(number(row));
      fresh.replaceChildren();
    };
    const show = () => {
      timer = 0;
      const fresh = document.createDocumentFragment();
      for (const [place, html] of [...waiting].sort(([one], [other]) => one - other)) {
        const old = rows.get(place);
        // What is not shown any more is not shown again: it stands in the whole log.
        if (!old && place <= last) continue;
        // Rows that were left out on the way leave one gap, not two.
        if (place > last + 1) drop(fresh);
        const row = made(html);
        rows.set(place, row);
        last = Math.max(last, place);
        if (old) old.replaceWith(row);
        else fresh.append(row);
      }
      waiting = new Map();
      box.append(fresh);
      document.getElementById("run-none")?.remove();
      prune();
      if (isFollowing) log.scrollTop = log.scrollHeight;
      else newest.hidden = nearEnd();
    };
    const take = (some) => {
      for (const [place, html] of some) {
        waiting.delete(place);
        waiting.set(place, html);
      }
      // A window in the background shows seldom; it need not show what is dropped at once.
      if (waiting.size > 2 * FOLLOWING) {
        for (const place of [...waiting.keys()].slice(0, waiting.size - FOLLOWING)) {
          if (!rows.has(place)) waiting.delete(place);
        }
      }
      timer ||= setTimeout(show, 16);
    };
    const replace = (parts) => {
      for (const [id, html] of Object.entries(parts)) {
        const old = document.getElementById(id);
        if (!old) continue;
        const held = old.contains(document.activeElement) ? document.activeElement.id : "";
        const part = made(html);
        old.replaceWith(part);
        window.mlShowTimes?.(part);
        if (held) document.getElementById(held)?.focus();
      }
    };

    const trouble = document.getElementById("run-trouble");
    const listen = () => {
      const source = new EventSource(`${log.dataset.live}&after=${at}`);
      let silence = 0;
      const hear = () => {
        clearTimeout(silence);
        silence = setTimeout(() => {
          lose();
          source.close();
          listen();
        }, SILENT);
      };
      const lose = () => {
        trouble.textContent = AWAY;
        trouble.hidden = false;
      };
      hear();
      for (const kind of ["open", "rows", "parts", "beat"]) source.addEventListener(kind, hear);
      source.addEventListener("open", () => (trouble.hidden = true));
      source.addEventListener("rows", (event) => {
        at = Number(event.lastEventId);
        take(JSON.parse(event.data));
      });
      source.addEventListener("parts", (event) => replace(JSON.parse(event.data)));
      source.addEventListener("end", () => {
        clearTimeout(silence);
        source.close();
      });
      source.addEventListener("error", () => {
        lose();
        if (source.readyState !== EventSource.CLOSED) return;
        clearTimeout(silence);
        setTimeout(listen, 5000);
      });
    };

    const jump = () => {
      const asked = /^#(L|cell-)([0-9]+)$/.exec(location.hash);
      if (!asked) return;
      const row = document.getElementById(asked[0].slice(1));
      if (!row) {
        // It may be among those in the middle: there is a page around every line and cell.
        const there = new URL(location.href);
        const [kind, other] = asked[1] === "L" ? ["line", "cell"] : ["cell", "line"];
        if (there.searchParams.get(kind) === asked[2]) return;
        there.searchParams.delete(other);
        there.searchParams.set(kind, asked[2]);
        location.assign(there);
        return;
      }
      isFollowing = false;
      row.scrollIntoView({ block: "center" });
    };
    addEventListener("hashchange", jump);
    if (location.hash) jump();
    else if (log.dataset.live) toEnd();
    if (log.dataset.live) listen();
  };

  const tick = () => {
    for (const since of document.querySelectorAll("[data-run-since]")) {
      const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(since.dataset.runSince)) / 1000));
      const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
      since.textContent = hours
        ? `${hours} h ${minutes} min`
        : minutes
          ? `${minutes} min ${seconds % 60} s`
          : `${seconds} s`;
    }
  };

  const ready = () => {
    start();
    tick();
    setInterval(tick, 1000);
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", ready);
  else ready();
})();
