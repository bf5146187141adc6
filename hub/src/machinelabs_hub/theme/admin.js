// JupyterHub's table of servers draws buttons that have no name: give them one.
(() => {
  const table = document.getElementById("react-admin-hook");
  const name = () => {
    for (const button of table.querySelectorAll("[data-testid$='-collapse-button']:not([aria-label])")) {
      const whose = button.dataset.testid.replace(/-collapse-button$/, "");
      button.setAttribute("aria-label", `More about ${whose}`);
    }
  };
  new MutationObserver(name).observe(table, { childList: true, subtree: true });
  name();
})();
