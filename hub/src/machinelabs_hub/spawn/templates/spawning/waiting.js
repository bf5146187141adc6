// Show how the start goes on, as the Hub's progress stream tells it.
(() => {
  const TRIES = 60;
  // The Hub says something every five seconds; of its end a proxy may tell nothing.
  const SILENCE = 12;
  const part = (id) => document.getElementById(id);
  const page = part("main");
  const site = document.title.split(" · ").pop();
  const headers = { "X-XSRFToken": window.jhdata.xsrf_token, "Content-Type": "application/json" };
  const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));
  let stream = null;
  let wasInLine = false;
  let isOver = false;
  let silent = null;

  const fill = (percent) => {
    part("bar").firstElementChild.style.width = `${percent}%`;
    part("bar").setAttribute("aria-valuenow", percent);
  };
  const put = (id, text) => {
    // What does not change is not said again to those who listen.
    if (part(id).textContent.trim() !== text) part(id).textContent = text;
  };

  const showPhases = (phases) => {
    const list = part("phases");
    // The page is older than the place in line: written anew it has all that belongs to it.
    if (phases.some(({ name }) => name === "line") && !list.querySelector('[data-phase="line"]')) return goOn();
    for (const line of [...list.children]) {
      if (!phases.some((phase) => phase.name === line.dataset.phase)) line.remove();
    }
    for (const phase of phases) {
      const line = list.querySelector(`[data-phase="${phase.name}"]`);
      if (!line) continue;
      line.className = `is-${phase.state}`;
      const seconds = phase.state === "todo" ? "" : lasted(phase.seconds);
      line.querySelector(".ml-seconds").textContent = seconds;
    }
  };
  const lasted = (seconds) => {
    if (seconds < 60) return `${seconds.toFixed(1)} s`;
    const minutes = Math.floor(seconds / 60);
    if (minutes < 60) return `${minutes} min`;
    return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  };

  const showLine = (place) => {
    page.classList.toggle("is-in-line", Boolean(place));
    put("heading", place ? "You are in line for a GPU" : page.dataset.starting);
    document.title = `${place ? place.place : "Starting"} · ${site}`;
    if (!isBusy()) part("cancel").textContent = place ? "Leave the line" : "Cancel";
    if (!place) {
      if (wasInLine) put("next", "You go on to JupyterLab as soon as it answers.");
      wasInLine = false;
      return;
    }
    wasInLine = true;
    put("place", place.place);
    put("likely", place.likely);
    put("why", place.why);
    part("likely").title = place.expected_at ? new Date(place.expected_at).toLocaleTimeString() : "";
    part("since").dateTime = place.since;
    window.mlShowTimes?.(page);
  };

  const show = (event) => {
    if (event.progress !== undefined) fill(event.progress);
    if (event.message) put("message", event.message);
    if (event.phases) showPhases(event.phases);
    if (event.line !== undefined) showLine(event.line);
    if (event.seconds !== undefined) part("total").textContent = lasted(event.seconds);
  };

  // The end.

  const goOn = () => window.location.reload();
  const ready = () => {
    if (!document.hidden) return goOn();
    // Nobody looks: a page that went on by itself would count as somebody who came.
    document.title = `Ready · ${site}`;
    put("heading", "Your server is ready");
    page.classList.remove("is-in-line");
    document.addEventListener("visibilitychange", () => document.hidden || goOn());
    if (localStorage.getItem("ml-tell") && window.Notification?.permission === "granted") {
      const told = new Notification("Your server is ready", { body: part("next").textContent, tag: "ml-ready" });
      told.onclick = () => window.focus();
    }
  };

  // The Hub may be started anew: those in line keep their place, and this page goes on.

  const listen = () => {
    stream = new EventSource(page.dataset.progress);
    hear();
    stream.onmessage = ({ data }) => {
      hear();
      const event = JSON.parse(data);
      if (event.ready || event.failed) {
        isOver = true;
        stream.close();
        // The Hub sends on to the server, or says what failed.
        return event.ready ? ready() : goOn();
      }
      show(event);
    };
    stream.onerror = lose;
  };
  const hear = () => {
    clearTimeout(silent);
    silent = setTimeout(lose, SILENCE * 1000);
  };
  const lose = () => {
    clearTimeout(silent);
    stream.close();
    if (!isOver && !isBusy()) again();
  };
  const again = async () => {
    let answers = 0;
    for (let tries = 0; tries < TRIES; tries += 1) {
      await pause(1);
      const server = await state().catch(() => null);
      // Somebody leaves meanwhile, and is told of that alone: what fails then failed as they wish.
      if (isBusy()) return;
      answers += Boolean(server);
      if (server?.pending === "spawn") return listen();
      if (server?.ready) return ready();
      // A Hub that has just started asks first for those who stood in line.
      if (answers > 10) break;
      put("message", "The hub is being started anew.");
      if (wasInLine) put("likely", "The hub is being started anew. You keep your place.");
    }
    goOn();
  };
  const state = async () => {
    const [user, name] = page.dataset.server.split(/\/servers\/|\/server$/);
    const answer = await fetch(user, { headers, signal: AbortSignal.timeout(5000) });
    if (!answer.ok) throw new Error(String(answer.status));
    return (await answer.json()).servers[name ?? ""] ?? {};
  };

  // What one can do.

  const isBusy = () => part("cancel").disabled;
  const order = async (button, words, work) => {
    const before = button.textContent;
    stream.close();
    for (const one of [part("cancel"), part("cpu")]) one.disabled = true;
    button.textContent = words;
    try {
      await work();
    } catch (error) {
      part("failed").lastElementChild.textContent = error.message;
      part("failed").hidden = false;
      for (const one of [part("cancel"), part("cpu")]) one.disabled = false;
      button.textContent = before;
      listen();
    }
  };
  const call = async (method, body) => {
    const answer = await fetch(page.dataset.server, { method, headers, body });
    if (answer.ok) return;
    const told = await answer.json().catch(() => ({}));
    throw new Error(told.message || `The hub answered ${answer.status}. Try again.`);
  };
  const leave = async () => {
    await call("DELETE");
    for (let tries = 0; tries < TRIES && (await state()).pending; tries += 1) await pause(0.3);
  };

  part("cancel").addEventListener("click", () =>
    order(part("cancel"), wasInLine ? "Leaving" : "Cancelling", async () => {
      await leave();
      window.location.assign(page.dataset.home);
    }),
  );
  part("cpu").addEventListener("click", () =>
    order(part("cpu"), "Taking a CPU", async () => {
      await leave();
      await call("POST", page.dataset.cpu);
      goOn();
    }),
  );
  const tells = () => localStorage.getItem("ml-tell") && window.Notification.permission === "granted";
  const showTell = () => {
    part("tell").textContent = tells() ? "You are told when it is ready" : "Tell me when it is ready";
    part("tell").setAttribute("aria-pressed", String(Boolean(tells())));
  };
  part("tell").addEventListener("click", async () => {
    if (tells()) {
      localStorage.removeItem("ml-tell");
    } else if ((await window.Notification.requestPermission()) === "granted") {
      localStorage.setItem("ml-tell", "yes");
    } else {
      part("failed").lastElementChild.textContent =
        "This browser does not let this site tell you things. Allow it in the browser's settings of this site.";
      part("failed").hidden = false;
    }
    showTell();
  });

  fill(part("bar").getAttribute("aria-valuenow"));
  wasInLine = page.classList.contains("is-in-line");
  part("cancel").hidden = false;
  part("cpu").hidden = !page.dataset.cpu;
  if (window.Notification) {
    part("tell").hidden = false;
    showTell();
  }
  listen();
  // Tests wait for this before they look at the page.
  window._jupyterhub_page_loaded = true;
})();
