// Shows the first rows of a Parquet file, which a worker reads: a file that is too much for it is given up.
(() => {
  const SECONDS = 30;
  const reader = document.currentScript.dataset.reader;
  const told = (count, one, many) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

  const cell = (row, text, kind = "td") => {
    const made = document.createElement(kind);
    if (kind === "th") made.scope = "col";
    if (text === null) made.className = "ml-soft";
    made.textContent = text ?? "null";
    row.append(made);
    return made;
  };
  const draw = (box, { columns, count, rows, fields, leftOut }) => {
    const table = box.querySelector("table");
    const head = table.tHead.insertRow();
    cell(head, "#", "th").className = "ml-line-number";
    for (const { name } of columns) cell(head, name, "th");
    for (let at = 0; at < rows; at += 1) {
      const row = table.tBodies[0].insertRow();
      cell(row, String(at + 1)).className = "ml-line-number";
      for (const { cells } of columns) cell(row, cells[at]);
    }
    const scroll = table.parentElement;
    scroll.hidden = false;
    scroll.tabIndex = 0;
    const all = `${told(count, "row", "rows")}, ${told(fields, "column", "columns")}.`;
    const some = rows < count ? ` The first ${rows} are shown.` : "";
    const hidden = fields - columns.length;
    const why = leftOut ? ", as too much data lies around them" : "";
    return all + some + (hidden ? ` ${told(hidden, "column is", "columns are")} left out${why}.` : "");
  };

  const show = (box) => {
    const state = box.querySelector("[role=status]");
    const worker = new Worker(reader);
    const end = (words) => {
      clearTimeout(timer);
      worker.terminate();
      state.textContent = words;
    };
    const timer = setTimeout(() => end("It takes too long to read. Download the file."), SECONDS * 1000);
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      end("This file is more than a preview can hold. Download it.");
    });
    worker.addEventListener("message", ({ data }) => {
      end(data.fault ? `${data.fault} Download it to look into it.` : draw(box, data));
    });
    state.textContent = "The first rows are read …";
    worker.postMessage({ url: new URL(box.dataset.parquet, location).href, size: Number(box.dataset.size) });
  };

  const start = () => document.querySelectorAll("[data-parquet]").forEach(show);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
