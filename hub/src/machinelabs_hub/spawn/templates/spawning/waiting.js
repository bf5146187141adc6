// Show how the start goes on, as the Hub's progress stream tells it.
(() => {
  const page = document.getElementById("waiting");
  const bar = document.querySelector("#bar > span");
  const message = document.getElementById("message");
  const total = document.getElementById("total");
  const cancel = document.getElementById("cancel");
  const stream = new EventSource(page.dataset.progress);

  const fill = (percent) => {
    bar.style.width = `${percent}%`;
    bar.parentElement.setAttribute("aria-valuenow", percent);
  };
  fill(bar.parentElement.getAttribute("aria-valuenow"));

  const show = (phase) => {
    const line = document.querySelector(`[data-phase="${phase.name}"]`);
    if (!line) return;
    line.className = `is-${phase.state}`;
    const seconds = phase.state === "todo" ? "" : `${phase.seconds.toFixed(1)} s`;
    line.querySelector(".ml-seconds").textContent = seconds;
  };

  stream.onmessage = ({ data }) => {
    const event = JSON.parse(data);
    if (event.progress !== undefined) fill(event.progress);
    if (event.ready || event.failed) {
      stream.close();
      // The Hub sends on to the server, or says what failed.
      window.location.reload();
      return;
    }
    if (event.message && event.message !== message.textContent) message.textContent = event.message;
    for (const phase of event.phases ?? []) show(phase);
    if (event.seconds !== undefined) total.textContent = `${event.seconds.toFixed(1)} s`;
  };

  stream.onerror = () => {
    // The Hub was started anew, or nothing starts any more: what it says now counts.
    stream.close();
    setTimeout(() => window.location.reload(), 2000);
  };

  cancel.addEventListener("click", async () => {
    cancel.disabled = true;
    cancel.textContent = "Cancelling";
    stream.close();
    try {
      const answer = await fetch(page.dataset.server, {
        method: "DELETE",
        headers: { "X-XSRFToken": window.jhdata.xsrf_token },
      });
      if (!answer.ok) throw new Error((await answer.json()).message);
      window.location.assign(page.dataset.home);
    } catch (error) {
      message.textContent = `It could not be cancelled: ${error.message} Reload this page and try again.`;
      cancel.disabled = false;
      cancel.textContent = "Cancel";
    }
  });
  cancel.hidden = false;
  // Tests wait for this before they look at the page.
  window._jupyterhub_page_loaded = true;
})();
